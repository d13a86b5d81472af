import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    /// Chunks that live files use, with the highest level of these. Deposits under way see to their chunks themselves.
    static let usedChunks = """
        WITH wanted AS (SELECT manifest, max(level) AS level FROM file GROUP BY manifest),
        used AS (
            SELECT r.chunk AS chunk, max(w.level) AS target
            FROM wanted w CROSS JOIN reference r ON r.manifest = w.manifest GROUP BY r.chunk)

        """

    public func shortfall(
        counting: Set<ReplicaID>, limit: Int
    ) async throws(DepotError) -> [ChunkStanding] {
        try Self.checkPage(limit)
        return try await queue.view { session in
            let mask = try session.members().mask(of: counting)
            let holdings = try HoldingTable(session)
            return try session.statement(
                Self.usedChunks + """
                    SELECT c.id, c.hash, c.length, u.target, (
                        SELECT count(*) FROM holding h
                        WHERE h.chunk = u.chunk AND h.state = 1 AND (? >> h.replica) & 1) AS good
                    FROM used u CROSS JOIN chunk c ON c.id = u.chunk
                    WHERE good < u.target ORDER BY good, c.id LIMIT ?
                    """
            ).all(mask, limit) { row in
                let copies = try holdings.copies(
                    of: ChunkReference(id: row.get(1), length: row.get(2)), number: row.get(0))
                return ChunkStanding(copies: copies, target: try row.get(3))
            }
        }
    }

    public func surplus(
        counting: Set<ReplicaID>, after cursor: ChunkID?, limit: Int
    ) async throws(DepotError) -> [ChunkStanding] {
        try Self.checkPage(limit)
        return try await queue.view { session in
            let mask = try session.members().mask(of: counting)
            let start = try ChunkTable(session).position(of: cursor)
            let standings = try StandingTable(session)
            return try session.statement(
                Self.usedChunks + """
                    SELECT c.id, c.hash, c.length
                    FROM used u CROSS JOIN chunk c ON c.id = u.chunk
                    WHERE u.chunk > ? AND u.target < (
                        SELECT count(*) FROM holding h
                        WHERE h.chunk = u.chunk AND h.state = 1 AND (? >> h.replica) & 1)
                    ORDER BY c.id LIMIT ?
                    """
            ).all(start, mask, limit) { row in
                try standings.standing(
                    of: ChunkReference(id: row.get(1), length: row.get(2)), number: row.get(0))
            }
        }
    }

    public func reopenRecords(
        counting: Set<ReplicaID>, clusterSize: Int
    ) async throws(DepotError) -> Int {
        // Most times there are none: looking must not keep others from writing.
        let found = try await queue.view { session in
            try Self.scarceRecords(session.members().mask(of: counting), clusterSize, session)
        }
        guard !found.isEmpty else { return 0 }
        return try await queue.change { session in
            let reopening = try session.statement(
                "UPDATE record SET pending = 1 WHERE id = ? AND pending = 0")
            var count = 0
            for record in found where try RecordTable.isCurrent(record, session) {
                try reopening.run(record)
                count += 1
            }
            return count
        }
    }

    /// Records of one round; the next finds the others.
    private static let reopenedMax = 10_000

    private static func scarceRecords(
        _ mask: UInt64, _ clusterSize: Int, _ session: Session
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
