import DepotCore
import DepotSQLite
import FoundationEssentials
import GRDB

// Where the members of sealed segments lie, and which copies were found to be bad. Derived: everything but the bad
// marks is in the segments, and those a scrub finds again. So it needs no full durability, and where it does
// not fit the segments it is thrown away and made anew. Rows come sorted, a segment at a time: random keys one by
// one would cost ten times as much.

/// The index of sealed segments.
final class SegmentIndex: Sendable {
    struct Segment: Hashable {
        let number: UInt32
        let nonce: UInt64
        let bytes: UInt64
        let highestSequence: CommitSequence?
    }

    private static let version = 2

    private let database: DatabasePool

    /// Opens the index, and makes a new one where there is none that can be read.
    static func open(at path: String) throws(DepotError) -> SegmentIndex {
        do {
            return try SegmentIndex(path)
        } catch {
            remove(path)
        }
        do {
            return try SegmentIndex(path)
        } catch {
            throw DepotError(.storeFailed, "cannot make the index", object: path, cause: error)
        }
    }

    static func remove(_ path: String) {
        // What cannot be removed shows when the file is opened next.
        for suffix in ["", "-wal", "-shm"] {
            try? FileManager.default.removeItem(atPath: path + suffix)
        }
    }

    private init(_ path: String) throws {
        var configuration = Configuration()
        configuration.maximumReaderCount = 4
        database = try DatabasePool(path: path, configuration: configuration)
        try database.write { database in
            let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
            let isNew = try !database.tableExists("segment")
            // Of another depot: made anew, by whoever opens it.
            guard isNew || version == Self.version else {
                throw DatabaseError(message: "version \(version) of the index")
            }
            try database.execute(sql: "PRAGMA user_version = \(Self.version)")
            try database.execute(sql: Self.schema)
            // Pages that cannot be read show here rather than in the middle of a deposit.
            _ = try Int.fetchOne(database, sql: "SELECT count(*) FROM member")
        }
    }

    private static let schema = """
        -- compacted: its live members were moved, and its file goes, or is gone.
        CREATE TABLE IF NOT EXISTS segment (
            number INTEGER PRIMARY KEY, nonce INTEGER NOT NULL, bytes INTEGER NOT NULL,
            sequence TEXT, compacted INTEGER NOT NULL DEFAULT 0);
        CREATE TABLE IF NOT EXISTS member (
            kind INTEGER NOT NULL, hash BLOB NOT NULL, segment INTEGER NOT NULL,
            offset INTEGER NOT NULL, length INTEGER NOT NULL,
            PRIMARY KEY (kind, hash)) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS member_segment ON member (segment, offset);
        CREATE TABLE IF NOT EXISTS bad (
            kind INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (kind, hash)) WITHOUT ROWID;
        """

    // MARK: Made again

    /// Begins anew, where it does not fit the segments. What it said is kept until `endRemaking`.
    func beginRemaking() throws(DepotError) {
        try change { database in
            // One that a crash has interrupted knows less than what was there before it.
            if try database.tableExists("former") {
                try database.execute(sql: "DROP TABLE member; DROP TABLE segment;")
            } else {
                try database.execute(
                    sql: """
                        ALTER TABLE member RENAME TO former; ALTER TABLE bad RENAME TO formerly_bad;
                        DROP INDEX member_segment; DROP TABLE segment;
                        """)
            }
            try database.execute(sql: Self.schema)
        }
    }

    /// After all segments were taken in. What was known to be bad stays so. And where an older copy came forth because
    /// the newest is gone, nothing tells whether it was bad: it has to be hashed, or put again, before it counts.
    func endRemaking() throws(DepotError) {
        try change { database in
            guard try database.tableExists("former") else { return }
            try database.execute(
                sql: """
                    INSERT OR REPLACE INTO bad
                        SELECT kind, hash FROM member JOIN former USING (kind, hash)
                        WHERE (member.segment, member.offset) < (former.segment, former.offset);
                    INSERT OR REPLACE INTO bad
                        SELECT kind, hash FROM formerly_bad JOIN member USING (kind, hash)
                        LEFT JOIN former USING (kind, hash)
                        WHERE former.segment IS NULL OR
                        (member.segment, member.offset) <= (former.segment, former.offset);
                    DROP TABLE former; DROP TABLE formerly_bad;
                    """)
        }
    }

    // MARK: Writing, on the log's thread

    /// Takes a sealed segment in. `dead` members were deleted while it was open.
    func merge(
        _ segment: Segment, _ members: [SegmentMember], dead: Set<ObjectID>
    ) throws(DepotError) {
        // The last copy of an object in a segment is the live one.
        var last: [ObjectID: SegmentMember] = [:]
        for member in members {
            if let id = member.path.objectID, !dead.contains(id) { last[id] = member }
        }
        let rows = last.sorted { $0.key < $1.key }
        try change { database in
            let inserting = try SQLStatement(
                database, "INSERT OR REPLACE INTO member VALUES (?, ?, ?, ?, ?)")
            for (id, member) in rows {
                try inserting.run(
                    id.kind, id.hash, segment.number, Int64(clamping: member.offset), member.length)
            }
            try SQLStatement(
                database,
                """
                INSERT OR REPLACE INTO segment (number, nonce, bytes, sequence)
                VALUES (?, ?, ?, ?)
                """
            ).run(
                segment.number, segment.nonce, Int64(clamping: segment.bytes),
                segment.highestSequence?.description)
        }
    }

    /// Forgets what lies in a segment whose live members were moved. Its file may go from then on; should it be there
    /// still when the index is opened again, it goes then.
    func beginRemoval(of segment: UInt32) throws(DepotError) {
        try change { database in
            try SQLStatement(database, "DELETE FROM member WHERE segment = ?").run(segment)
            try SQLStatement(database, "UPDATE segment SET compacted = 1 WHERE number = ?")
                .run(segment)
        }
    }

    /// After its file is gone.
    func endRemoval(of segment: UInt32) throws(DepotError) {
        try change { database in
            try SQLStatement(database, "DELETE FROM segment WHERE number = ? AND compacted = 1")
                .run(segment)
        }
    }

    func remove(_ ids: [ObjectID]) throws(DepotError) {
        try forEach(ids, "DELETE FROM member WHERE kind = ? AND hash = ?")
    }

    func markBad(_ ids: [ObjectID]) throws(DepotError) {
        try forEach(ids, "INSERT OR REPLACE INTO bad VALUES (?, ?)")
    }

    func clearBad(_ ids: [ObjectID]) throws(DepotError) {
        try forEach(ids, "DELETE FROM bad WHERE kind = ? AND hash = ?")
    }

    private func forEach(_ ids: [ObjectID], _ sql: String) throws(DepotError) {
        guard !ids.isEmpty else { return }
        try change { database in
            let statement = try SQLStatement(database, sql)
            for id in ids.sorted() { try statement.run(id.kind, id.hash) }
        }
    }

    // MARK: Reading

    func segments() throws(DepotError) -> [Segment] { try segments(compacted: false) }

    /// Those whose removal was begun and not ended.
    func removals() throws(DepotError) -> [Segment] { try segments(compacted: true) }

    private func segments(compacted: Bool) throws(DepotError) -> [Segment] {
        try view { database in
            try SQLStatement(
                database,
                """
                SELECT number, nonce, bytes, sequence FROM segment
                WHERE compacted = ? ORDER BY number
                """
            ).all(compacted) { row in
                try Segment(
                    number: row.get(0), nonce: row.get(1),
                    bytes: UInt64(clamping: row.get(2, as: Int64.self)),
                    highestSequence: row.get(3, as: String?.self).flatMap { CommitSequence($0) })
            }
        }
    }

    func bad() throws(DepotError) -> Set<ObjectID> {
        try view { database in
            try Set(SQLStatement(database, "SELECT kind, hash FROM bad").all { try Self.id($0) })
        }
    }

    func chunkCount() throws(DepotError) -> Int {
        try view { database in
            try Int.fetchOne(database, sql: "SELECT count(*) FROM member WHERE kind = 0") ?? 0
        }
    }

    func close() {
        // Nothing of it is needed; what is not written comes from the segments again.
        try? database.close()
    }

    private func change(_ body: (Database) throws -> Void) throws(DepotError) {
        do {
            try database.write(body)
        } catch {
            throw Self.failure(error)
        }
    }

    func view<Value>(_ body: (Database) throws -> Value) throws(DepotError) -> Value {
        do {
            return try database.read(body)
        } catch {
            throw Self.failure(error)
        }
    }

    private static func failure(_ error: any Error) -> DepotError {
        let isFull = (error as? DatabaseError)?.resultCode == .SQLITE_FULL
        return DepotError(
            isFull ? .storageFull : .storeFailed,
            "the replica's index cannot be used; it may be deleted while the replica is stopped, and is "
                + "made again from the segments",
            cause: error)
    }
}
