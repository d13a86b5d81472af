import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    public func enterOld(
        _ record: FileRecord, on replica: ReplicaID
    ) async throws(DepotError) -> Bool {
        try await queue.change { session in
            let member = try session.members().number(of: replica)
            let newest = try RecordTable(session).newest(of: record.name)
            let isOlder = newest.map { $0 > record.sequence } ?? false
            guard try isOlder || Self.isExplained(record, session) else { return false }
            let publication = Publication(session)
            let number = try publication.insert(
                record.encoded(), of: record.name, isPending: false)
            try session.statement(
                "INSERT INTO record_holding (record, replica) VALUES (?, ?) ON CONFLICT DO NOTHING"
            ).run(number, member)
            // A tombstone that comes back holds down what may come back, too.
            if newest == nil, case .deleted(let level) = record.content {
                try publication.bury(record, level: level, number: number)
            }
            return true
        }
    }

    /// Whether this catalog alone can have given the record's sequence. It does not know the
    /// record: so it had let it go, or had never acknowledged it.
    private static func isExplained(_ record: FileRecord, _ session: Session) throws -> Bool {
        let given = try ClusterTable(session).row().sequence
        let alone = try session.statement("SELECT alone FROM cluster").first {
            try $0.get(0, as: UInt64.self)
        }
        guard let alone, record.sequence.epoch == given.epoch else { return false }
        return record.sequence.counter > alone && record.sequence <= given
    }
}
