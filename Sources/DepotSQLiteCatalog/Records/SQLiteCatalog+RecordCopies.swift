import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    public func settle(
        records batches: [ChunkID: CheckVerdict], on replica: ReplicaID
    ) async throws(DepotError) {
        try await queue.change { session in
            let member = try session.members().number(of: replica)
            let table = RecordTable(session)
            let removing = try session.statement(
                "DELETE FROM record_holding WHERE record = ? AND replica = ?")
            let reopening = try session.statement("UPDATE record SET pending = 1 WHERE id = ?")
            for (hash, verdict) in batches.sorted(by: { $0.key < $1.key }) {
                guard let object = try table.find(hash) else { continue }
                if verdict == .good {
                    try table.noteHolding(of: object, on: member)
                } else {
                    try removing.run(object, member)
                    if try table.hasCurrent(object) { try reopening.run(object) }
                }
            }
        }
    }

    /// Names of one batch: as many as somebody would read.
    private static let namesMax = 20

    public func names(
        ofRecords batches: [ChunkID]
    ) async throws(DepotError) -> [[FileName]] {
        try await queue.view { session in
            let naming = try session.statement(
                """
                SELECT coalesce(l.name, o.name) FROM record o
                LEFT JOIN line l ON l.id >= o.line AND l.id < o.line + o.lines
                WHERE o.hash = ?1 AND (o.unexplained = 0 OR \(RecordTable.isCurrent)) LIMIT ?2
                """)
            return try batches.map { try naming.all($0, Self.namesMax) { try $0.get(0) } }
        }
    }
}
