import DepotCore
import DepotSQLite
import GRDB
import NIOCore

/// Records, and which of them say something still.
struct RecordTable {
    private let session: Session

    init(_ session: Session) { self.session = session }

    func find(_ hash: ChunkID) throws -> Int64? {
        try session.statement("SELECT id FROM record WHERE hash = ?").first(hash) {
            try $0.get(0, as: Int64.self)
        }
    }

    /// What a row's text says, if that is the text that was hashed when it was committed.
    static func parse(_ text: [UInt8], hash: ChunkID) throws -> FileRecord {
        let bytes = ByteBuffer(bytes: text)
        guard VerifiedObject(hashing: bytes, kind: .record).id.hash == hash else {
            throw DatabaseError(
                resultCode: .SQLITE_CORRUPT, message: "the text of record \(hash) has another hash")
        }
        return try FileRecord(parsing: bytes)
    }

    /// Records of a name that are looked at for a request: those of later changes.
    private static let laterChangesMax = 64

    /// The record of a name that a request has made, unless it is too long ago. Deposits, which keep
    /// receipts, are passed over.
    func find(
        _ name: FileName, madeBy request: RequestID
    ) throws -> (number: Int64, record: FileRecord)? {
        var found: (number: Int64, record: FileRecord)?
        try session.statement(
            """
            SELECT o.id, o.text, o.hash
            FROM (SELECT id, text, hash FROM record WHERE name = ? ORDER BY id DESC LIMIT ?) o
            WHERE NOT EXISTS (SELECT 1 FROM receipt r WHERE r.record = o.id)
            ORDER BY o.id DESC LIMIT ?
            """
        ).visit(name, 16 * Self.laterChangesMax, Self.laterChangesMax) { row in
            let record = try Self.parse(row.get(1), hash: row.get(2))
            if record.request == request { found = (try row.get(0, as: Int64.self), record) }
            return found == nil
        }
        return found
    }

    /// The newest word on a name, where it is in the outbox.
    func undelivered(_ name: FileName) throws -> FileRecord? {
        try session.statement(
            """
            SELECT o.text, o.hash FROM record o WHERE o.name = ?1 AND o.pending = 1 AND (
                EXISTS (SELECT 1 FROM file WHERE name = ?1 AND record = o.id)
                OR EXISTS (SELECT 1 FROM tombstone WHERE name = ?1 AND record = o.id))
            """
        ).first(name) { try Self.parse($0.get(0), hash: $0.get(1)) }
    }

    /// The sequence of the newest word on a name, file or tombstone.
    func newest(of name: FileName) throws -> CommitSequence? {
        try session.statement(
            """
            SELECT epoch, counter FROM file WHERE name = ?1
            UNION ALL SELECT epoch, counter FROM tombstone WHERE name = ?1
            """
        ).all(name) { try $0.sequence(0) }.max()
    }

    /// Whether a record is the newest of its name.
    func isCurrent(_ record: Int64) throws -> Bool {
        try session.statement(
            """
            SELECT EXISTS (SELECT 1 FROM file WHERE record = ?1)
                OR EXISTS (SELECT 1 FROM tombstone WHERE record = ?1)
            """
        ).first(record) { try $0.get(0, as: Bool.self) } ?? false
    }

    /// Whether a record `o` says nothing any more, and nobody holds or asks for it.
    static let isUnneeded = """
        NOT EXISTS (SELECT 1 FROM record_holding h WHERE h.record = o.id)
        AND NOT EXISTS (SELECT 1 FROM replaced p WHERE p.record = o.id)
        AND NOT EXISTS (SELECT 1 FROM file f WHERE f.record = o.id)
        AND NOT EXISTS (SELECT 1 FROM tombstone t WHERE t.record = o.id)
        AND NOT EXISTS (SELECT 1 FROM receipt r WHERE r.record = o.id)
        """

    /// Records of one transaction: so long others wait.
    private static let forgottenAtOnce: Int64 = 20_000

    /// Forgets records that nothing needs, other than those that are on their way to replicas.
    ///
    /// - Returns: where to go on; `nil` behind the last record.
    func forgetUnneeded(from start: Int64) throws -> Int64? {
        session.assertChange()
        let last = try session.statement("SELECT max(id) FROM record").first {
            try $0.get(0, as: Int64?.self)
        }
        guard let last, let last, start <= last else { return nil }
        let end = start + Self.forgottenAtOnce
        try session.statement(
            """
            DELETE FROM record AS o
            WHERE id >= ? AND id < ? AND pending = 0 AND \(Self.isUnneeded)
            """
        ).run(start, end)
        return end
    }

    /// Whether a majority of the copies of a record `n` is there: members that had it may have been
    /// forgotten since, or an older state of their disk put back, which an inventory shows.
    ///
    /// - Parameter level: what the record asks for, in SQL, or more.
    static func isOnMajority(_ level: String) -> String {
        """
        2 * (SELECT count(*) FROM record_holding b CROSS JOIN member m ON m.id = b.replica
            WHERE b.record = n.id AND m.inventoried >= m.restarted) > min(
            max(3, \(level)), (SELECT count(*) FROM member WHERE draining = 0))
        """
    }

    /// Whether a tombstone `t` with the record `o` has nothing left to hold down. No member is
    /// known to have an older record of the name, none is on its way from the outbox, and every
    /// member was inventoried since the tombstone was in place and since the member was started
    /// last: a crash may have taken a deletion back.
    static let isExpired = """
        o.pending = 0
        AND NOT EXISTS (
            SELECT 1 FROM member WHERE inventoried <= o.delivered OR inventoried < restarted)
        AND NOT EXISTS (
            SELECT 1 FROM record older
            WHERE older.name = o.name AND older.id <> o.id AND (
                older.pending = 1
                OR EXISTS (SELECT 1 FROM record_holding held WHERE held.record = older.id)))
        """
}
