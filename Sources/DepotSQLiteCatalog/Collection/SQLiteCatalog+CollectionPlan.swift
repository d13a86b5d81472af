import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    public func collectionPlan(
        grace: CollectionGrace
    ) async throws(DepotError) -> CollectionPlan {
        try await queue.view { session in
            try ChunkUse.requireAllKnown(session)
            var plan = CollectionPlan()
            try Self.countChunks(grace, in: &plan, session)
            plan.manifests =
                try session.statement(
                    "SELECT count(*) FROM manifest m CROSS JOIN chunk c ON c.id = m.chunk "
                        + "WHERE \(ChunkUse.isAbandonedManifest)"
                ).first(session.now - ChunkUse.stagingMax.milliseconds) { try $0.get(0) } ?? 0
            return plan
        }
    }

    private static func countChunks(
        _ grace: CollectionGrace, in plan: inout CollectionPlan, _ session: Session
    ) throws {
        try session.statement(
            """
            WITH copies AS (
                SELECT c.id AS chunk, c.length AS length,
                    coalesce(c.unused, ?) <= iif(c.abandoned, ?, ?) AS ready,
                    \(CopySQL(session).count) AS count
                FROM chunk c WHERE NOT \(ChunkUse.isUsed))
            SELECT count(*), coalesce(sum(length * count), 0), coalesce(sum(ready), 0),
                coalesce(sum(ready * length * count), 0), coalesce(sum(ready * count), 0)
            FROM copies WHERE count > 0
            """
        ).visit(
            session.now, session.now - grace.abandoned.milliseconds,
            session.now - grace.unused.milliseconds
        ) { row in
            plan.unusedChunks = try row.get(0)
            plan.unusedBytes = try row.get(1)
            plan.readyChunks = try row.get(2)
            plan.readyBytes = try row.get(3)
            plan.readyCopies = try row.get(4)
            return true
        }
    }
}
