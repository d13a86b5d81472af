import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    public func settle(
        records: [ChunkID: CheckVerdict], on replica: ReplicaID
    ) async throws(DepotError) {
        try await queue.change { session in
            let member = try session.members().number(of: replica)
            let table = RecordTable(session)
            let holding = try session.statement(
                "INSERT INTO record_holding (record, replica) VALUES (?, ?) ON CONFLICT DO NOTHING")
            let removing = try session.statement(
                "DELETE FROM record_holding WHERE record = ? AND replica = ?")
            let reopening = try session.statement("UPDATE record SET pending = 1 WHERE id = ?")
            for (hash, verdict) in records.sorted(by: { $0.key < $1.key }) {
                guard let record = try table.find(hash) else { continue }
                if verdict == .good {
                    try holding.run(record, member)
                } else {
                    try removing.run(record, member)
                    if try table.isCurrent(record) { try reopening.run(record) }
                }
            }
        }
    }

    public func names(
        ofRecords records: [ChunkID]
    ) async throws(DepotError) -> [FileName?] {
        try await queue.view { session in
            let naming = try session.statement("SELECT name FROM record WHERE hash = ?")
            return try records.map { hash in
                try naming.first(hash) { try $0.get(0, as: FileName.self) }
            }
        }
    }
}
