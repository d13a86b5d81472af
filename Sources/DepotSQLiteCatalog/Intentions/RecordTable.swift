import DepotCore
import DepotSQLite

/// Records, and which of them say something still.
enum RecordTable {
    static func find(_ hash: ChunkID, _ session: Session) throws -> Int64? {
        try session.statement("SELECT id FROM record WHERE hash = ?").first(hash) {
            try $0.get(0, as: Int64.self)
        }
    }

    /// The sequence of the newest word on a name, file or tombstone.
    static func newest(of name: FileName, _ session: Session) throws -> CommitSequence? {
        try session.statement(
            """
            SELECT epoch, counter FROM file WHERE name = ?1
            UNION ALL SELECT epoch, counter FROM tombstone WHERE name = ?1
            """
        ).all(name) { try CommitSequence(epoch: $0.get(0), counter: $0.get(1)) }.max()
    }

    /// Whether a record is the newest of its name.
    static func isCurrent(_ record: Int64, _ session: Session) throws -> Bool {
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
        AND NOT EXISTS (SELECT 1 FROM file f WHERE f.record = o.id)
        AND NOT EXISTS (SELECT 1 FROM tombstone t WHERE t.record = o.id)
        AND NOT EXISTS (SELECT 1 FROM receipt r WHERE r.record = o.id)
        """

    /// Records of one transaction: so long others wait.
    private static let forgottenAtOnce: Int64 = 20_000

    /// Forgets records that nothing needs, other than those that are on their way to replicas.
    ///
    /// - Returns: where to go on; `nil` behind the last record.
    static func forgetUnneeded(from start: Int64, _ session: Session) throws -> Int64? {
        let last = try session.statement("SELECT max(id) FROM record").first {
            try $0.get(0, as: Int64?.self)
        }
        guard let last, let last, start <= last else { return nil }
        let end = start + forgottenAtOnce
        try session.statement(
            "DELETE FROM record AS o WHERE id >= ? AND id < ? AND pending = 0 AND \(isUnneeded)"
        ).run(start, end)
        return end
    }

    /// Whether a tombstone `t` with the record `o` has nothing left to hold down: nobody is known to have an older record
    /// of the name or may be getting one from the outbox just now, and every member was inventoried since the tombstone
    /// was in place.
    static let isExpired = """
        o.pending = 0
        AND NOT EXISTS (SELECT 1 FROM member WHERE inventoried <= o.delivered)
        AND NOT EXISTS (
            SELECT 1 FROM record older
            WHERE older.name = o.name AND older.id <> o.id AND (
                older.pending = 1
                OR EXISTS (SELECT 1 FROM record_holding held WHERE held.record = older.id)))
        """
}
