import DepotCore
import DepotSQLite
import FoundationEssentials
import GRDB
import Logging

// Where the members of sealed segments lie, and which copies were found to be bad. All of it can be
// made again: places from the segments, bad copies by a scrub, deletions by an inventory. So an
// index that does not fit the segments is thrown away and made anew. Rows come sorted, a segment at
// a time: random keys, one by one, would cost ten times as much. Every change is synced all the
// same. If a crash took an answered deletion back, a deleted file would return once the tombstone
// that held it down is gone. The pages have checksums: with a wrong or missing row a compaction
// would leave a live copy behind.

/// The index of sealed segments.
final class SegmentIndex: Sendable {
    struct Segment: Hashable {
        let number: UInt32
        let nonce: UInt64
        let bytes: UInt64
        let highestSequence: CommitSequence?

        var id: SegmentID { SegmentID(number: number, nonce: nonce) }
    }

    /// What a store takes from the index when it is opened.
    struct Summary {
        var segments: [Segment] = []
        var quarantined: Set<ObjectID> = []
        var chunks = 0
    }

    private static let version = 2

    private let database: DatabasePool

    /// Opens the index. Makes a new one where there is none, or none that can be read.
    static func open(at path: String, logger: Logger) throws(DepotError) -> SegmentIndex {
        do {
            return try SegmentIndex(path, logger)
        } catch {
            logger.warning(
                "the index cannot be read and is made again",
                metadata: ["path": "\(path)", "why": "\(error)"])
            remove(path)
        }
        do {
            return try SegmentIndex(path, logger)
        } catch {
            throw DepotError(.storeFailed, "cannot make the index", object: path, cause: error)
        }
    }

    static func remove(_ path: String) {
        // A file that cannot be removed shows when it is opened next.
        for suffix in ["", "-wal", "-shm"] {
            try? FileManager.default.removeItem(atPath: path + suffix)
        }
    }

    private init(_ path: String, _ logger: Logger) throws {
        try Self.carryOver(path, logger)
        var configuration = Configuration()
        configuration.maximumReaderCount = 4
        configuration.requireChecksums()
        database = try DatabasePool(path: path, configuration: configuration)
        // The pool has set NORMAL itself, and then a power cut takes answered changes back.
        try database.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
        try database.write { database in
            let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
            let isNew = try !database.tableExists("segment")
            // The index of another version: the caller makes it anew.
            guard isNew || version == Self.version else {
                throw DatabaseError(message: "version \(version) of the index")
            }
            try database.execute(sql: "PRAGMA user_version = \(Self.version)")
            try database.execute(sql: Self.schema)
            // Unreadable pages show here rather than in the middle of a deposit.
            _ = try Int.fetchOne(database, sql: "SELECT count(*) FROM member")
        }
    }

    /// Gives checksums to an index that an older depot has made.
    private static func carryOver(_ path: String, _ logger: Logger) throws {
        guard try PageChecksums.areMissing(at: path) else { return }
        let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? UInt64
        logger.notice(
            "the index gets checksums in its pages; it is looked at and written anew, once",
            metadata: ["path": "\(path)", "size": "\(ByteCount(size ?? 0))"])
        try PageChecksums.carryOver(path)
        logger.notice("the index has checksums in its pages", metadata: ["path": "\(path)"])
    }

    static let schema = """
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
        -- Tombstones: objects that were deleted while they lay in a segment that is not merged yet.
        -- They hide an object's copies there up to `through`, and none that was put behind.
        CREATE TABLE IF NOT EXISTS dead (
            kind INTEGER NOT NULL, hash BLOB NOT NULL, segment INTEGER NOT NULL,
            nonce INTEGER NOT NULL, through INTEGER NOT NULL,
            PRIMARY KEY (segment, kind, hash)) WITHOUT ROWID;
        """

    // MARK: Writing, on the log's thread

    /// Lists the members of a sealed segment, except those that have a tombstone there.
    func merge(_ segment: Segment, _ members: [SegmentMember]) throws(DepotError) {
        assert(
            members.allSatisfy { $0.offset < segment.bytes },
            "a member lies behind its segment's end")
        // The last copy of an object in a segment is the live one.
        var last: [ObjectID: SegmentMember] = [:]
        for member in members {
            if let id = member.path.objectID { last[id] = member }
        }
        let copies = last
        try change { database in
            let dead = try Self.dead(in: segment, database)
            let rows = copies.filter { id, member in
                dead.isEmpty || dead[id].map { member.offset >= $0 } ?? true
            }.sorted { $0.key < $1.key }
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
                segment.number, RandomBits(segment.nonce), Int64(clamping: segment.bytes),
                segment.highestSequence?.description)
            try SQLStatement(database, "DELETE FROM dead WHERE segment = ?").run(segment.number)
        }
    }

    /// The tombstones in a segment, each with the end of the copies that it hides.
    private static func dead(
        in segment: Segment, _ database: Database
    ) throws -> [ObjectID: UInt64] {
        var dead: [ObjectID: UInt64] = [:]
        try SQLStatement(
            database, "SELECT kind, hash, through FROM dead WHERE segment = ? AND nonce = ?"
        ).visit(segment.number, segment.nonce) { row in
            dead[try id(row)] = UInt64(clamping: try row.get(2, as: Int64.self))
            return true
        }
        return dead
    }

    /// Forgets the copies in a segment whose live members were moved. Its file may go from then on.
    /// A file that is still there when the index is opened again goes then.
    func beginRemoval(of segment: UInt32) throws(DepotError) {
        try change { database in
            try SQLStatement(database, "DELETE FROM member WHERE segment = ?").run(segment)
            try SQLStatement(database, "UPDATE segment SET compacted = 1 WHERE number = ?")
                .run(segment)
        }
    }

    /// To be called after the segment's file is gone.
    func endRemoval(of segment: UInt32) throws(DepotError) {
        try change { database in
            try SQLStatement(database, "DELETE FROM segment WHERE number = ? AND compacted = 1")
                .run(segment)
        }
    }

    /// A segment that is not merged yet, as far as it goes now.
    struct Part {
        let number: UInt32
        let nonce: UInt64
        let end: UInt64
    }

    /// Forgets objects. Durable when it returns.
    ///
    /// - Parameters:
    ///   - buried: those of the objects that have copies in segments which are not merged yet. They
    ///     get a tombstone there.
    ///   - parts: the segments that are not merged yet.
    func remove(
        _ ids: [ObjectID], buried: [ObjectID], in parts: [Part]
    ) throws(DepotError) {
        assert(Set(ids).isSuperset(of: buried), "what is buried is not deleted")
        assert(buried.isEmpty || !parts.isEmpty, "what is buried lies in no segment")
        guard !ids.isEmpty else { return }
        try change { database in
            for table in ["member", "bad"] {
                let removing = try SQLStatement(
                    database, "DELETE FROM \(table) WHERE kind = ? AND hash = ?")
                for id in ids.sorted() { try removing.run(id.kind, id.hash) }
            }
            let burying = try SQLStatement(
                database, "INSERT OR REPLACE INTO dead VALUES (?, ?, ?, ?, ?)")
            for part in parts {
                for id in buried.sorted() {
                    try burying.run(
                        id.kind, id.hash, part.number, part.nonce, Int64(clamping: part.end))
                }
            }
        }
    }

    /// To be called after all segments were merged: the tombstones that are left belong to segments
    /// that are gone.
    func forgetDead() throws(DepotError) {
        try change { try $0.execute(sql: "DELETE FROM dead") }
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

    func close() {
        // A failure does no harm: all that is not written can be made again from the segments.
        try? database.close()
    }

    func change(_ body: (Database) throws -> Void) throws(DepotError) {
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
        let result = (error as? DatabaseError)?.resultCode
        // SQLite opens connections when they are wanted. A lack of descriptors for one says nothing
        // of the disk.
        if result == .SQLITE_CANTOPEN {
            return DepotError(
                .busy, "the replica's index cannot be opened now; try again", cause: error)
        }
        return DepotError(
            result == .SQLITE_FULL ? .storageFull : .storeFailed,
            "the replica's index cannot be used; it may be deleted while the replica is stopped, "
                + "and is made again from the segments",
            cause: error)
    }
}
