import DepotCore
import DepotSQLite
import NIOCore

extension SQLiteCatalog {
    public func enterOld(
        _ batch: RecordBatch, on replica: ReplicaID
    ) async throws(DepotError) -> [FileRecord] {
        try await queue.change { session in
            let member = try session.members().number(of: replica)
            let table = RecordTable(session)
            let newest = try batch.records.map { try table.newest(of: $0.name) }
            let unexplained = try zip(batch.records, newest).filter { record, newest in
                try !Self.isExplained(record, newest, session)
            }
            guard unexplained.isEmpty else { return unexplained.map(\.0) }
            let (object, numbers) = try table.insert(batch, isPending: false)
            try session.statement("UPDATE record SET unexplained = 0 WHERE id = ?").run(object)
            try table.noteHolding(of: object, on: member)
            // A tombstone that comes back holds down what may come back, too.
            let publication = Publication(session)
            for ((record, newest), number) in zip(zip(batch.records, newest), numbers) {
                guard newest == nil, case .deleted(let level) = record.content else { continue }
                try publication.bury(record, level: level, number: number)
            }
            return []
        }
    }

    private static func isExplained(
        _ record: FileRecord, _ newest: (number: Int64, sequence: CommitSequence)?,
        _ session: Session
    ) throws -> Bool {
        if let newest {
            if newest.sequence > record.sequence { return true }
            if newest.sequence == record.sequence {
                return try RecordTable(session).record(newest.number) == record
            }
        }
        return try isGivenAlone(record, session)
    }

    /// Whether this catalog alone can have given the record's sequence. It does not know the
    /// record: so it had let it go, or had never acknowledged it.
    private static func isGivenAlone(_ record: FileRecord, _ session: Session) throws -> Bool {
        let given = try ClusterTable(session).row().sequence
        let alone = try session.statement("SELECT alone FROM cluster").first {
            try $0.get(0, as: UInt64.self)
        }
        guard let alone, record.sequence.epoch == given.epoch else { return false }
        return record.sequence.counter > alone && record.sequence <= given
    }
}
