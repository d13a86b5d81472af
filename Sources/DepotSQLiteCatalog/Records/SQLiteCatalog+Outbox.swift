import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    public func outbox(
        after position: OutboxPosition?, limit: Int
    ) async throws(DepotError) -> [OutboxEntry] {
        try Self.checkPage(limit)
        return try await queue.view { session in
            let members = try session.members()
            let holders = try session.statement(
                "SELECT replica FROM record_holding WHERE record = ?")
            return try session.statement(
                """
                SELECT id, text, hash FROM record WHERE pending = 1 AND id > ?
                ORDER BY id LIMIT ?
                """
            ).all(position?.number ?? .min, limit) { row in
                let number = try row.get(0, as: Int64.self)
                let confirmed = try holders.all(number) { try members.replica($0.get(0)) }
                return OutboxEntry(
                    position: OutboxPosition(number),
                    record: try RecordTable.parse(row.get(1), hash: row.get(2)),
                    confirmed: Set(confirmed))
            }
        }
    }

    public func outboxEnd() async throws(DepotError) -> OutboxPosition? {
        try await queue.view { session in
            try session.statement(
                "SELECT id FROM record WHERE pending = 1 ORDER BY id DESC LIMIT 1"
            ).first { OutboxPosition(try $0.get(0)) }
        }
    }

    public func confirm(
        _ confirmations: [RecordConfirmation]
    ) async throws(DepotError) {
        try await queue.change(isDurable: false, isHarmless: true) { session in
            let members = try session.members()
            let holding = try session.statement(
                "INSERT INTO record_holding (record, replica) VALUES (?, ?) ON CONFLICT DO NOTHING")
            let ending = try session.statement(
                "UPDATE record SET pending = 0, delivered = ? WHERE id = ?")
            let records = RecordTable(session)
            let replaced = ReplacedFiles(session)
            for confirmation in confirmations {
                guard let number = try records.find(confirmation.record) else {
                    continue
                }
                for replica in confirmation.replicas {
                    try holding.run(number, members.number(of: replica))
                }
                guard confirmation.isDone else { continue }
                try ending.run(session.tick, number)
                try replaced.forget(by: number)
            }
        }
    }

    public func reopenRecords(
        counting: Set<ReplicaID>, clusterSize: Int
    ) async throws(DepotError) -> Int {
        // Most times there are none: looking must not keep others from writing.
        let found = try await queue.view { session in
            try Self.scarceRecords(
                counting: session.members().numberMask(of: counting), clusterSize: clusterSize,
                session)
        }
        guard !found.isEmpty else { return 0 }
        return try await queue.change { session in
            let reopening = try session.statement(
                "UPDATE record SET pending = 1 WHERE id = ? AND pending = 0")
            let records = RecordTable(session)
            var count = 0
            for record in found where try records.isCurrent(record) {
                try reopening.run(record)
                count += 1
            }
            return count
        }
    }

    /// Records of one round; the next finds the others.
    private static let reopenedMax = 10_000

    /// Records that say something still and that too few members have.
    private static func scarceRecords(
        counting mask: UInt64, clusterSize: Int, _ session: Session
    ) throws -> [Int64] {
        let copies = """
            (SELECT count(*) FROM record_holding h WHERE h.record = o.id AND (?1 >> h.replica) & 1)
            """
        return try session.statement(
            """
            SELECT o.id FROM file f CROSS JOIN record o ON o.id = f.record
            WHERE o.pending = 0 AND \(copies) < min(max(3, f.level), ?2)
            UNION ALL
            SELECT o.id FROM tombstone t CROSS JOIN record o ON o.id = t.record
            WHERE o.pending = 0 AND \(copies) < min(max(3, t.level), ?2)
                AND NOT (\(RecordTable.isExpired))
            LIMIT ?3
            """
        ).all(mask, clusterSize, reopenedMax) { try $0.get(0) }
    }
}
