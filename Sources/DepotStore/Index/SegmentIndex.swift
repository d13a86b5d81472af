import DepotCore
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
            let inserting = try database.makeStatement(
                sql: "INSERT OR REPLACE INTO member VALUES (?, ?, ?, ?, ?)")
            for (id, member) in rows {
                try inserting.execute(arguments: [
                    Int(id.kind.rawValue), Data(id.hash.bytes), Int64(segment.number),
                    Int64(member.offset), member.length,
                ])
            }
            try database.execute(
                sql: """
                    INSERT OR REPLACE INTO segment (number, nonce, bytes, sequence)
                    VALUES (?, ?, ?, ?)
                    """,
                arguments: [
                    Int64(segment.number), Int64(bitPattern: segment.nonce), Int64(segment.bytes),
                    segment.highestSequence?.description,
                ])
        }
    }

    /// Forgets what lies in a segment whose live members were moved. Its file may go from then on; should it be there
    /// still when the index is opened again, it goes then.
    func beginRemoval(of segment: UInt32) throws(DepotError) {
        try change { database in
            try database.execute(
                sql: "DELETE FROM member WHERE segment = ?", arguments: [Int64(segment)])
            try database.execute(
                sql: "UPDATE segment SET compacted = 1 WHERE number = ?",
                arguments: [Int64(segment)])
        }
    }

    /// After its file is gone.
    func endRemoval(of segment: UInt32) throws(DepotError) {
        try change { database in
            try database.execute(
                sql: "DELETE FROM segment WHERE number = ? AND compacted = 1",
                arguments: [Int64(segment)])
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
            let statement = try database.cachedStatement(sql: sql)
            for id in ids.sorted() {
                try statement.execute(arguments: [Int(id.kind.rawValue), Data(id.hash.bytes)])
            }
        }
    }

    // MARK: Reading

    func segments() throws(DepotError) -> [Segment] { try segments(compacted: false) }

    /// Those whose removal was begun and not ended.
    func removals() throws(DepotError) -> [Segment] { try segments(compacted: true) }

    private func segments(compacted: Bool) throws(DepotError) -> [Segment] {
        try view { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM segment WHERE compacted = ? ORDER BY number",
                arguments: [compacted]
            ).map { row in
                Segment(
                    number: row["number"], nonce: UInt64(bitPattern: row["nonce"]),
                    bytes: UInt64(clamping: row["bytes"] as Int64),
                    highestSequence: (row["sequence"] as String?).flatMap { CommitSequence($0) })
            }
        }
    }

    func bad() throws(DepotError) -> Set<ObjectID> {
        try view { database in
            try Set(
                Row.fetchAll(database, sql: "SELECT kind, hash FROM bad").compactMap(Self.id(_:)))
        }
    }

    func chunkCount() throws(DepotError) -> Int {
        try view { database in
            try Int.fetchOne(database, sql: "SELECT count(*) FROM member WHERE kind = 0") ?? 0
        }
    }

    /// Where objects lie, by segment number; the nonce is for whoever knows the segments to fill in.
    func find(
        _ ids: some Sequence<ObjectID>
    ) throws(DepotError) -> [ObjectID: (segment: UInt32, offset: UInt64, length: Int)] {
        try view { try Self.find(ids, $0) }
    }

    private static func find(
        _ ids: some Sequence<ObjectID>, _ database: Database
    ) throws -> [ObjectID: (segment: UInt32, offset: UInt64, length: Int)] {
        let statement = try database.cachedStatement(
            sql: "SELECT segment, offset, length FROM member WHERE kind = ? AND hash = ?")
        var found: [ObjectID: (segment: UInt32, offset: UInt64, length: Int)] = [:]
        for id in ids.sorted() {
            let arguments: StatementArguments = [Int(id.kind.rawValue), Data(id.hash.bytes)]
            guard let row = try Row.fetchOne(statement, arguments: arguments) else { continue }
            found[id] = (row[0], UInt64(clamping: row[1] as Int64), row[2])
        }
        return found
    }

    /// What is live of a segment, from an offset on, in order.
    ///
    /// - Parameters:
    ///   - limit: of rows.
    ///   - budget: bytes, headers and padding included, after which no more is fetched.
    /// - Returns: `next` is where what was not fetched begins.
    func live(
        in segment: UInt32, from offset: UInt64, limit: Int, budget: UInt64 = .max
    ) throws(DepotError) -> (rows: [(id: ObjectID, offset: UInt64, length: Int)], next: UInt64?) {
        try view { database in
            let statement = try database.cachedStatement(
                sql: """
                    SELECT kind, hash, offset, length FROM member
                    WHERE segment = ? AND offset >= ? ORDER BY offset LIMIT ?
                    """)
            let cursor = try Row.fetchCursor(
                statement, arguments: [Int64(segment), Int64(clamping: offset), limit + 1])
            var found: [(id: ObjectID, offset: UInt64, length: Int)] = []
            var bytes: UInt64 = 0
            while let row = try cursor.next() {
                let offset = UInt64(clamping: row[2] as Int64)
                if bytes >= budget || found.count == limit { return (found, offset) }
                let length: Int = row[3]
                bytes += UInt64(MemberHeader.size + MemberHeader.padded(length))
                if let id = Self.id(row) { found.append((id, offset, length)) }
            }
            return (found, nil)
        }
    }

    /// How many live copies each segment has, and their bytes, header and padding included.
    ///
    /// - Parameter gone: copies of these are not live any more.
    func liveTotals(
        without gone: Set<ObjectID>
    ) throws(DepotError) -> [UInt32: (copies: Int, bytes: UInt64)] {
        try view { database in
            let rows = try Row.fetchAll(
                database,
                sql: """
                    SELECT segment, count(*), sum((length + 1023) / 512 * 512)
                    FROM member GROUP BY segment
                    """)
            var totals: [UInt32: (copies: Int, bytes: UInt64)] = Dictionary(
                uniqueKeysWithValues: rows.map { ($0[0], ($0[1], $0[2])) })
            for row in try Self.find(gone, database).values {
                totals[row.segment]?.copies -= 1
                totals[row.segment]?.bytes -= UInt64(
                    MemberHeader.size + MemberHeader.padded(row.length))
            }
            return totals
        }
    }

    func page(after: ObjectID?, limit: Int) throws(DepotError) -> [InventoryEntry] {
        try view { database in
            let rows = try Row.fetchAll(
                database,
                sql: """
                    SELECT kind, hash, length, segment FROM member WHERE (kind, hash) > (?, ?)
                    ORDER BY kind, hash LIMIT ?
                    """,
                arguments: [
                    after.map { Int($0.kind.rawValue) } ?? -1,
                    Data(after?.hash.bytes ?? []), limit,
                ])
            return rows.compactMap { row in
                Self.id(row).map {
                    InventoryEntry(id: $0, length: row["length"], segment: row["segment"])
                }
            }
        }
    }

    private static func id(_ row: Row) -> ObjectID? {
        guard let kind = ObjectID.Kind(rawValue: row["kind"]),
            let hash = ChunkID(bytes: row["hash"] as Data)
        else { return nil }
        return ObjectID(kind: kind, hash: hash)
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

    private func view<Value>(_ body: (Database) throws -> Value) throws(DepotError) -> Value {
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
