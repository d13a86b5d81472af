import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    public func obsoleteRecords(
        on replica: ReplicaID, limit: Int
    ) async throws(DepotError) -> [ChunkID] {
        try Self.checkPage(limit)
        return try await queue.view { session in
            guard try !ClusterTable(session).isPartial() else { return [] }
            let member = try session.members().number(of: replica)
            return try session.statement(
                """
                SELECT o.hash FROM record_holding h CROSS JOIN record o ON o.id = h.record
                WHERE h.replica = ?1 AND (
                    EXISTS (
                        SELECT 1 FROM file f CROSS JOIN record n ON n.id = f.record
                        WHERE f.name = o.name AND n.id <> o.id AND \(Self.isInPlace("f.level")))
                    OR EXISTS (
                        SELECT 1 FROM tombstone t CROSS JOIN record n ON n.id = t.record
                        WHERE t.name = o.name AND n.id <> o.id AND \(Self.isInPlace("t.level")))
                    OR EXISTS (
                        SELECT 1 FROM tombstone t
                        WHERE t.record = o.id AND \(RecordTable.isExpired))
                    OR (o.pending = 0
                        AND NOT EXISTS (SELECT 1 FROM file f WHERE f.name = o.name)
                        AND NOT EXISTS (SELECT 1 FROM tombstone t WHERE t.name = o.name)))
                LIMIT ?2
                """
            ).all(member, limit) { try $0.get(0) }
        }
    }

    /// Whether the record `n` went out and a majority of its copies is there still.
    private static func isInPlace(_ level: String) -> String {
        "n.pending = 0 AND \(RecordTable.isOnMajority(level))"
    }

    public func removeRecords(
        _ records: [ChunkID], on replica: ReplicaID
    ) async throws(DepotError) {
        try await queue.change { session in
            let member = try session.members().number(of: replica)
            let table = RecordTable(session)
            let removing = try session.statement(
                "DELETE FROM record_holding WHERE record = ? AND replica = ?")
            let burying = try session.statement(
                """
                DELETE FROM tombstone WHERE record IN (
                    SELECT o.id FROM record o WHERE o.id = ? AND \(RecordTable.isExpired)
                        AND NOT EXISTS (SELECT 1 FROM record_holding h WHERE h.record = o.id))
                """)
            let forgetting = try session.statement(
                "DELETE FROM record AS o WHERE id = ? AND \(RecordTable.isUnneeded)")
            for hash in records.sorted() {
                guard let record = try table.find(hash) else { continue }
                try removing.run(record, member)
                try burying.run(record)
                try forgetting.run(record)
            }
        }
    }
}
