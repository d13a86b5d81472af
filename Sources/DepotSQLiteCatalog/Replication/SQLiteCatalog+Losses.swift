import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    public func losses(
        without replicas: Set<ReplicaID>, after cursor: FileName?, limit: Int
    ) async throws(DepotError) -> [FileLoss] {
        try Self.checkPage(limit)
        return try await queue.view { session in
            // Of each table the first names, in order: those of both together are among them.
            var found: [FileName: FileLoss] = [:]
            for table in ["file", "version"] {
                for loss in try Self.losses(in: table, replicas, cursor, limit, session) {
                    found[loss.name] = found[loss.name].map { $0.joined(with: loss) } ?? loss
                }
            }
            return Array(found.values.sorted { $0.name < $1.name }.prefix(limit))
        }
    }

    private static func losses(
        in table: String, _ replicas: Set<ReplicaID>, _ cursor: FileName?, _ limit: Int,
        _ session: Session
    ) throws -> [FileLoss] {
        let members = try session.members()
        let mask = members.mask(of: replicas)
        let copies = try CopySQL(session)
        return try session.statement(
            """
            WITH copies AS (
                SELECT DISTINCT f.name AS name, c.id,
                    \(copies.goodCount(on: members.current.without(mask))) AS elsewhere,
                    \(copies.goodCount(on: mask)) AS here
                FROM \(table) f LEFT JOIN reference r ON r.manifest = f.manifest
                CROSS JOIN chunk c ON c.id = coalesce(r.chunk, -f.manifest)
                WHERE f.name > ?1)
            SELECT name, sum(elsewhere = 0) AS lost, sum(elsewhere = 1 AND here > 0) AS last
            FROM copies GROUP BY name HAVING lost + last > 0 ORDER BY name LIMIT ?2
            """
        ).all(cursor?.text ?? "", limit) {
            try FileLoss(name: $0.get(0), lostChunks: $0.get(1), lastCopies: $0.get(2))
        }
    }

    public func lossTotals(
        without replicas: Set<ReplicaID>
    ) async throws(DepotError) -> LossTotals {
        try await queue.view { session in
            let members = try session.members()
            let staying = members.current.without(members.mask(of: replicas))
            let copies = try CopySQL(session)
            var totals = LossTotals()
            try session.statement(
                Self.usedChunks + """
                    , copies AS (
                        SELECT u.target AS target, c.length AS length,
                            \(copies.goodCount(on: staying)) AS good
                        FROM used u CROSS JOIN chunk c ON c.id = u.chunk)
                    SELECT coalesce(sum(iif(good > 0, target - good, 0)), 0),
                        coalesce(sum(iif(good > 0, (target - good) * length, 0)), 0),
                        coalesce(sum(good = 0), 0)
                    FROM copies WHERE good < target
                    """
            ).visit { row in
                totals.copies = try row.get(0)
                totals.bytes = try row.get(1)
                totals.lostChunks = try row.get(2)
                return true
            }
            return totals
        }
    }
}
