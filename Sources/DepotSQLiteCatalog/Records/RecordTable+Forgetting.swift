import DepotCore
import DepotSQLite

// An object of records is known for as long as somebody holds it or asks for it: a name, a receipt, a
// file that it replaced. Then it goes, with its lines.

extension RecordTable {
    /// Whether an object `o` says nothing any more, and nobody holds or asks for it.
    static let isUnneeded = """
        NOT \(RecordSQL.isHeld("o"))
        AND NOT EXISTS (SELECT 1 FROM replaced p WHERE \(RecordSQL.isKept("p.record")))
        AND NOT EXISTS (SELECT 1 FROM receipt r WHERE \(RecordSQL.isKept("r.record")))
        AND NOT \(isCurrent)
        """

    /// Records of one transaction: so long others wait.
    private static let forgottenAtOnce: Int64 = 20_000

    /// Forgets objects that nothing needs, other than those that are on their way to replicas.
    ///
    /// - Returns: where to go on; `nil` behind the last one.
    func forgetUnneeded(from start: Int64) throws -> Int64? {
        session.assertChange()
        let last = try session.statement("SELECT max(id) FROM record").first {
            try $0.get(0, as: Int64?.self)
        }
        guard let last, let last, start <= last else { return nil }
        var (objects, records): ([Int64], Int64) = ([], 0)
        var end = start + Self.forgottenAtOnce
        try session.statement(
            """
            SELECT o.id, coalesce(o.lines, 1) FROM record o
            WHERE o.id >= ? AND o.id < ? AND o.pending = 0 AND \(Self.isUnneeded) ORDER BY o.id
            """
        ).visit(start, end) { row in
            let object = try row.get(0, as: Int64.self)
            objects.append(object)
            records += min(max(1, try row.get(1)), Int64(RecordBatch.countMax))
            if records < Self.forgottenAtOnce { return true }
            end = object &+ 1
            return false
        }
        for object in objects { try forget(object) }
        return end
    }

    /// Forgets an object, if nothing needs it.
    func forgetUnneeded(_ object: Int64) throws {
        let isUnneeded = try session.statement(
            "SELECT \(Self.isUnneeded) FROM record o WHERE o.id = ?"
        ).first(object) { try $0.get(0, as: Bool.self) }
        if isUnneeded == true { try forget(object) }
    }

    private func forget(_ object: Int64) throws {
        session.assertChange()
        try session.statement(
            """
            DELETE FROM line WHERE id IN (
                SELECT l.id FROM record o
                CROSS JOIN line l ON l.id >= o.line AND l.id < o.line + o.lines
                WHERE o.id = ?)
            """
        ).run(object)
        // Those of members that were forgotten.
        try session.statement("DELETE FROM record_holding WHERE record = ?").run(object)
        try session.statement("DELETE FROM moved WHERE old = ?1 OR new = ?1").run(object)
        try session.statement("DELETE FROM record WHERE id = ?").run(object)
    }
}
