import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    /// Chunks that files use, or used before, with the highest level of these. Deposits under way see to
    /// their chunks themselves.
    static let usedChunks = """
        WITH wanted AS (
            SELECT manifest, max(level) AS level FROM file GROUP BY manifest
            UNION ALL SELECT w.manifest, \(VersionTable.demand) FROM version w
            GROUP BY w.manifest),
        used AS (
            SELECT coalesce(r.chunk, -w.manifest) AS chunk, max(w.level) AS target
            FROM wanted w LEFT JOIN reference r ON r.manifest = w.manifest GROUP BY 1)

        """

    public func shortfall(
        counting: Set<ReplicaID>, limit: Int
    ) async throws(DepotError) -> [ChunkStatus] {
        try Self.checkPage(limit)
        return try await queue.view { session in
            let mask = try session.members().mask(of: counting)
            let copies = try CopyTable(session)
            return try session.statement(
                Self.usedChunks + """
                    SELECT c.hash, u.target, \(ChunkTable.Known.columns),
                        \(CopySQL(session).goodCount(on: mask)) AS copies
                    FROM used u CROSS JOIN chunk c ON c.id = u.chunk
                    WHERE copies < u.target ORDER BY copies, c.id LIMIT ?
                    """
            ).all(limit) { row in
                ChunkStatus(
                    copies: try copies.copies(of: row.get(0), ChunkTable.Known(row, at: 2)),
                    target: try row.get(1, as: TargetCopies.self).copies)
            }
        }
    }

    public func surplus(
        counting: Set<ReplicaID>, after cursor: ChunkID?, limit: Int
    ) async throws(DepotError) -> [ChunkStatus] {
        try Self.checkPage(limit)
        return try await queue.view { session in
            let mask = try session.members().mask(of: counting)
            let start = try ChunkTable(session).position(of: cursor)
            let statuses = try StatusTable(session)
            return try session.statement(
                Self.usedChunks + """
                    SELECT c.hash, \(ChunkTable.Known.columns)
                    FROM used u CROSS JOIN chunk c ON c.id = u.chunk
                    WHERE u.chunk > ? AND u.target < \(CopySQL(session).goodCount(on: mask))
                    ORDER BY c.id LIMIT ?
                    """
            ).all(start, limit) { row in
                try statuses.status(of: row.get(0), ChunkTable.Known(row, at: 1))
            }
        }
    }
}
