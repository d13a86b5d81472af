import DepotCore
import DepotSQLite

// A catalog that an older depot made has its copies in the table `holding`. Ten million chunks are
// not rewritten before anybody is served: the catalog is used at once, and some chunks are carried
// over in each transaction, the first that are left. A chunk has all of its copies in the old table
// or none. Whoever reads looks into both, and whoever changes a chunk's copies carries it over
// before. So a step may be cut off anywhere, and the next one goes on; when nothing is left, the
// table goes.

/// Carries copies over from the table `holding` into the rows of chunks.
struct CarryOver {
    /// Chunks of one transaction: some 10 ms, many times that on a busy host.
    static let chunksAtOnce = 1_000

    private let session: Session
    private let chunksAtOnce: Int

    init(_ session: Session, chunksAtOnce: Int = chunksAtOnce) {
        self.session = session
        self.chunksAtOnce = chunksAtOnce
    }

    /// - Returns: whether there was anything left to do.
    func step() throws -> Bool {
        session.assertChange()
        guard session.isCarrying else { return false }
        let ends = try session.statement(
            """
            SELECT min(chunk), max(chunk) FROM (
                SELECT DISTINCT chunk FROM holding ORDER BY chunk LIMIT ?)
            """
        ).first(chunksAtOnce) { try ($0.get(0, as: Int64?.self), $0.get(1, as: Int64?.self)) }
        guard let ends, let first = ends.0, let last = ends.1 else { return try end() }
        // As `CopyTable` does it for one: a member's bit was its number.
        try session.statement(
            """
            INSERT INTO verdict (chunk, replica, state) SELECT chunk, replica, state FROM holding
            WHERE chunk BETWEEN ? AND ? AND state IN (\(state: .bad), \(state: .released))
            """
        ).run(first, last)
        try session.statement(
            """
            UPDATE chunk SET good = chunk.good | h.good, unproved = chunk.unproved | h.unproved,
                rare = chunk.rare OR h.rare
            FROM (
                SELECT chunk, coalesce(sum(1 << replica) FILTER (WHERE state = \(state: .good)), 0)
                        AS good,
                    coalesce(sum(1 << replica) FILTER (WHERE state = \(state: .unproved)), 0)
                        AS unproved,
                    max(state IN (\(state: .bad), \(state: .released))) AS rare
                FROM holding WHERE chunk BETWEEN ? AND ? GROUP BY chunk) h
            WHERE h.chunk = chunk.id
            """
        ).run(first, last)
        try session.statement("DELETE FROM holding WHERE chunk BETWEEN ? AND ?").run(first, last)
        return true
    }

    private func end() throws -> Bool {
        try session.statement("UPDATE cluster SET carrying = 0").run()
        try session.database.execute(sql: "DROP TABLE holding")
        session.carriedOver()
        return true
    }
}
