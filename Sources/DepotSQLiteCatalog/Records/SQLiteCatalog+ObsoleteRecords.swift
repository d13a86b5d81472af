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
                WHERE h.replica = ?1 AND o.unexplained = 0 AND NOT \(Self.isWaiting) AND CASE
                    WHEN o.line IS NULL THEN \(Self.isObsolete(number: "o.id", name: "o.name"))
                    ELSE NOT EXISTS (
                        SELECT 1 FROM line l WHERE l.id >= o.line AND l.id < o.line + o.lines
                            AND NOT \(Self.isObsolete(number: "-l.id", name: "l.name")))
                        AND \(Self.hasAllLines) END
                LIMIT ?2
                """
            ).all(member, limit) { try $0.get(0) }
        }
    }

    /// What damage has taken from the table of lines must not look as if it said nothing any more.
    private static let hasAllLines = """
        (SELECT count(*) FROM line l
            WHERE l.id >= o.line AND l.id < o.line + o.lines AND l.record = o.id) = o.lines
        AND NOT EXISTS (SELECT 1 FROM line l
            WHERE l.id IN (o.line - 1, o.line + o.lines) AND l.record = o.id)
        """

    /// Whether records of the object `o` were moved, and are not in place elsewhere.
    private static let isWaiting = """
        EXISTS (SELECT 1 FROM moved v CROSS JOIN record n ON n.id = v.new
            WHERE v.old = o.id AND NOT (\(isInPlace("v.level"))))
        """

    /// Whether the record of a number, which the object `o` keeps, need not be kept.
    private static func isObsolete(number: String, name: String) -> String {
        """
        (NOT EXISTS (SELECT 1 FROM version w WHERE w.record = \(number)) AND (EXISTS (
            SELECT 1 FROM file f
            CROSS JOIN record n ON n.id = \(RecordSQL.object(of: "f.record"))
            WHERE f.name = \(name) AND f.record <> \(number) AND \(isInPlace("f.level")))
        OR EXISTS (
            SELECT 1 FROM tombstone t
            CROSS JOIN record n ON n.id = \(RecordSQL.object(of: "t.record"))
            WHERE t.name = \(name) AND t.record <> \(number) AND \(isInPlace("t.level")))
        OR EXISTS (
            SELECT 1 FROM tombstone t
            WHERE t.record = \(number) AND \(RecordTable.isExpired))
        OR (o.pending = 0
            AND NOT EXISTS (SELECT 1 FROM file f WHERE f.name = \(name))
            AND NOT EXISTS (SELECT 1 FROM tombstone t WHERE t.name = \(name)))))
        """
    }

    /// Whether the object `n` went out and a majority of its copies is there still.
    private static func isInPlace(_ level: String) -> String {
        "n.pending = 0 AND \(RecordTable.isOnMajority(level))"
    }

    public func removeRecords(
        _ batches: [ChunkID], on replica: ReplicaID
    ) async throws(DepotError) {
        try await queue.change { session in
            let member = try session.members().number(of: replica)
            let table = RecordTable(session)
            let removing = try session.statement(
                "DELETE FROM record_holding WHERE record = ? AND replica = ?")
            let expired = """
                (SELECT t.name FROM record o
                    CROSS JOIN tombstone t ON \(RecordSQL.isKept("t.record"))
                    WHERE o.id = ? AND \(RecordTable.isExpired) AND NOT \(RecordSQL.isHeld("o")))
                """
            let unlocking = try session.statement("DELETE FROM lock WHERE name IN \(expired)")
            let burying = try session.statement("DELETE FROM tombstone WHERE name IN \(expired)")
            for hash in batches.sorted() {
                guard let object = try table.find(hash) else { continue }
                try removing.run(object, member)
                try unlocking.run(object)
                try burying.run(object)
                try table.forgetUnneeded(object)
            }
        }
    }
}
