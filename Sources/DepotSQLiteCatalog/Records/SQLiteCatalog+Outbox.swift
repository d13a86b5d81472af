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
            var (objects, records): ([Int64], Int) = ([], 0)
            try session.statement(
                """
                SELECT id, coalesce(lines, 1) FROM record WHERE pending = 1 AND id > ?
                ORDER BY id LIMIT ?
                """
            ).visit(position?.number ?? .min, limit) { row in
                objects.append(try row.get(0))
                records += min(max(1, try row.get(1)), RecordBatch.countMax)
                return records < limit
            }
            let table = RecordTable(session)
            return try objects.map { object in
                let confirmed = try holders.all(object) { try members.holder($0.get(0)) }
                return OutboxEntry(
                    position: OutboxPosition(object), batch: try table.batch(object),
                    confirmed: Set(confirmed.compactMap { $0 }))
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
            let ending = try session.statement(
                "UPDATE record SET pending = 0, delivered = ? WHERE id = ?")
            let records = RecordTable(session)
            let replaced = ReplacedFiles(session)
            for confirmation in confirmations {
                guard let object = try records.find(confirmation.batch) else { continue }
                for replica in confirmation.replicas {
                    try records.noteHolding(of: object, on: members.number(of: replica))
                }
                guard confirmation.isDone else { continue }
                try ending.run(session.tick, object)
                try replaced.forget(by: object)
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
            for object in Set(found).sorted() where try records.hasCurrent(object) {
                try reopening.run(object)
                count += 1
            }
            return count
        }
    }

    /// Current records of one round; the next finds the others.
    private static let reopenedMax = 10_000

    /// Objects with records that say something still, which too few members have.
    private static func scarceRecords(
        counting mask: UInt64, clusterSize: Int, _ session: Session
    ) throws -> [Int64] {
        let copies = """
            (SELECT count(*) FROM record_holding h WHERE h.record = o.id AND (?1 >> h.replica) & 1)
            """
        return try session.statement(
            """
            SELECT o.id FROM file f
            CROSS JOIN record o ON o.id = \(RecordSQL.object(of: "f.record"))
            WHERE o.pending = 0 AND \(copies) < min(max(3, f.level), ?2)
            UNION ALL
            SELECT o.id FROM version w
            CROSS JOIN record o ON o.id = \(RecordSQL.object(of: "w.record"))
            WHERE o.pending = 0 AND \(copies) < min(max(3, w.level), ?2)
            UNION ALL
            SELECT o.id FROM tombstone t
            CROSS JOIN record o ON o.id = \(RecordSQL.object(of: "t.record"))
            WHERE o.pending = 0 AND \(copies) < min(max(3, t.level), ?2)
                AND NOT (\(RecordTable.isExpired))
            LIMIT ?3
            """
        ).all(mask, clusterSize, reopenedMax) { try $0.get(0) }
    }
}
