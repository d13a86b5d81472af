import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    /// Reads every reference and every holding: in proportion to the depot, beside all else.
    public func totals() async throws(DepotError) -> CatalogTotals {
        try await queue.view { session in
            let files = try Self.files(session)
            let used = try Self.used(session)
            let stored = try Self.stored(session)
            return CatalogTotals(
                files: files.count, logicalBytes: files.bytes, uniqueBytes: used.bytes,
                storedBytes: stored.bytes, underReplicated: used.scarce, chunks: stored.copies)
        }
    }

    private static func files(_ session: Session) throws -> (count: Int, bytes: UInt64) {
        try session.statement("SELECT count(*), coalesce(sum(size), 0) FROM file").first {
            try ($0.get(0), $0.get(1))
        } ?? (0, 0)
    }

    private static func used(_ session: Session) throws -> (bytes: UInt64, scarce: Int) {
        try session.statement(
            """
            WITH wanted AS (SELECT manifest, max(level) AS level FROM file GROUP BY manifest),
            used AS (
                SELECT r.chunk AS chunk, max(w.level) AS target
                FROM wanted w CROSS JOIN reference r ON r.manifest = w.manifest GROUP BY r.chunk)
            SELECT coalesce(sum(c.length), 0), coalesce(sum(u.target > (
                SELECT count(*) FROM holding h WHERE h.chunk = u.chunk AND h.state = 1)), 0)
            FROM used u CROSS JOIN chunk c ON c.id = u.chunk
            """
        ).first { try ($0.get(0), $0.get(1)) } ?? (0, 0)
    }

    private static func stored(
        _ session: Session
    ) throws -> (bytes: UInt64, copies: [ReplicaID: Int]) {
        var bytes: UInt64 = 0
        var copies: [ReplicaID: Int] = [:]
        try session.statement(
            """
            SELECT m.replica, count(c.id), coalesce(sum(c.length), 0)
            FROM member m LEFT JOIN holding h ON h.replica = m.id AND h.state = 1
            LEFT JOIN chunk c ON c.id = h.chunk GROUP BY m.id
            """
        ).visit { row in
            copies[try row.get(0)] = try row.get(1)
            bytes += try row.get(2, as: UInt64.self)
            return true
        }
        return (bytes, copies)
    }
}
