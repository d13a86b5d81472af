import DepotCore
import DepotSQLite
import NIOCore

extension SQLiteCatalog {
    public func outbox(limit: Int) async throws(DepotError) -> [OutboxEntry] {
        try Self.checkPage(limit)
        return try await queue.view { session in
            let members = try session.members()
            let holders = try session.statement(
                "SELECT replica FROM record_holding WHERE record = ?")
            return try session.statement(
                "SELECT id, text FROM record WHERE pending = 1 ORDER BY id LIMIT ?"
            ).all(limit) { row in
                let confirmed = try holders.all(row.get(0, as: Int64.self)) {
                    try members.replica($0.get(0))
                }
                let text = ByteBuffer(bytes: try row.get(1, as: [UInt8].self))
                return OutboxEntry(
                    record: try FileRecord(parsing: text), confirmed: Set(confirmed))
            }
        }
    }

    public func confirm(
        _ confirmations: [RecordConfirmation]
    ) async throws(DepotError) {
        try await queue.change(isDurable: false) { session in
            let members = try session.members()
            let holding = try session.statement(
                "INSERT INTO record_holding (record, replica) VALUES (?, ?) ON CONFLICT DO NOTHING")
            let ending = try session.statement(
                "UPDATE record SET pending = 0, delivered = ? WHERE id = ?")
            for confirmation in confirmations {
                guard let number = try RecordTable.find(confirmation.record, session) else {
                    continue
                }
                for replica in confirmation.replicas {
                    try holding.run(number, members.number(of: replica))
                }
                if confirmation.isDone { try ending.run(session.tick, number) }
            }
        }
    }
}
