import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    public func census(
        counting: Set<ReplicaID>, repairing: Set<ReplicaID>
    ) async throws(DepotError) -> CatalogCensus {
        try await queue.view { session in
            let members = try session.members()
            let totals = try Self.totals(counting: counting, session)
            let counted = members.mask(of: counting)
            let isWhole = totals.underReplicated == 0
            let scarce = try Self.scarce(repairing: members.mask(of: repairing), session)
            return CatalogCensus(
                totals: totals, unreadable: scarce.unreadable, toRepair: scarce.toRepair,
                degradedFiles: isWhole ? 0 : try Self.degradedFiles(counting: counted, session),
                holdings: try HoldingCounts(session).byReplica,
                deposits: try Self.count(
                    "SELECT count(*) FROM deposit WHERE deadline IS NOT NULL", session),
                retrievals: try Self.count(
                    """
                    SELECT count(DISTINCT uuid) FROM retrieval WHERE deadline > \(session.now)
                    """, session),
                pendingRecords: try Self.count(
                    "SELECT count(*) FROM record WHERE pending = 1", session),
                scrubs: try Self.scrubs(session))
        }
    }

    private static func count(_ sql: String, _ session: Session) throws -> Int {
        try session.statement(sql).first { try $0.get(0, as: Int.self) } ?? 0
    }

    private static func scarce(
        repairing: CopyMask, _ session: Session
    ) throws -> (unreadable: Int, toRepair: Int) {
        let copies = try CopySQL(session)
        let all = try session.members().current
        return try session.statement(
            Self.usedChunks + """
                SELECT coalesce(sum(\(copies.goodCount(on: all)) = 0), 0),
                    coalesce(sum(u.target > \(copies.goodCount(on: repairing))), 0)
                FROM used u CROSS JOIN chunk c ON c.id = u.chunk
                """
        ).first { try ($0.get(0), $0.get(1)) } ?? (0, 0)
    }

    /// Stops at a file's first such chunk.
    private static func degradedFiles(counting: CopyMask, _ session: Session) throws -> Int {
        let good = try CopySQL(session).goodCount(on: counting)
        return try count(
            """
            SELECT count(*) FROM file f WHERE EXISTS (
                SELECT 1 FROM reference r CROSS JOIN chunk c ON c.id = r.chunk
                WHERE r.manifest = f.manifest AND \(good) < f.level)
            OR EXISTS (SELECT 1 FROM chunk c WHERE c.id = -f.manifest AND \(good) < f.level)
            """, session)
    }

    private static func scrubs(_ session: Session) throws -> [ReplicaID: CatalogCensus.Scrub] {
        let members = try session.members()
        var scrubs: [ReplicaID: CatalogCensus.Scrub] = [:]
        try session.statement(
            """
            SELECT replica, count(*), coalesce(sum(sealed AND checked IS NULL), 0), min(checked)
            FROM segment GROUP BY replica
            """
        ).visit { row in
            guard let replica = try members.holder(row.get(0)) else { return true }
            let checked = try row.get(3, as: Int64?.self)
            scrubs[replica] = CatalogCensus.Scrub(
                segments: try row.get(1), unread: try row.get(2),
                oldest: checked.map { .milliseconds(max(0, session.now - $0)) })
            return true
        }
        return scrubs
    }
}
