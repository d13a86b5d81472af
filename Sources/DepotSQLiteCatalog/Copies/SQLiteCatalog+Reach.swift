import DepotCore
import DepotSQLite

// Whoever reaches some names only is told of chunks as if there were no others: see `NameReach`.

extension SQLiteCatalog {
    /// Files of one chunk that are looked at. A chunk that very many share is sent once more.
    private static let usesLookedAtMax = 64

    public func visible(
        among chunks: [ChunkID], within reach: NameReach
    ) async throws(DepotError) -> Set<ChunkID> {
        guard reach != .everything else { return Set(chunks) }
        return try await queue.view { session in
            let table = try ChunkTable(session)
            let uses = try session.statement(
                """
                SELECT f.name FROM file f WHERE f.manifest = -?1
                UNION ALL
                SELECT f.name FROM reference r CROSS JOIN file f ON f.manifest = r.manifest
                WHERE r.chunk = ?1 LIMIT ?2
                """)
            var visible: Set<ChunkID> = []
            for id in chunks.sorted() where !visible.contains(id) {
                guard !session.absent.isAbsent(id), let known = try table.find(id) else { continue }
                try uses.visit(known.number, Self.usesLookedAtMax) { row in
                    guard reach.contains(try row.get(0)) else { return true }
                    visible.insert(id)
                    return false
                }
            }
            return visible
        }
    }

    public func vouched(
        among chunks: [ChunkID], to deposit: DepositID
    ) async throws(DepotError) -> Set<ChunkID> {
        try await queue.view { session in
            let lease = try Leases(session).live(deposit)
            let (table, known) = (try ChunkTable(session), try session.members().known)
            let vouching = try session.statement(
                "SELECT p.vouched FROM pin_page p WHERE p.deposit = ?1 AND \(PinSQL.pins("?2"))")
            return try Set(
                chunks.filter { id in
                    guard let chunk = try table.find(id) else { return false }
                    let vouched = try vouching.first(lease.number, chunk.number) {
                        try $0.get(0, as: CopyMask.self)
                    }
                    return !((vouched ?? .none) & known).isEmpty
                })
        }
    }

    public func read(
        among chunks: [ChunkID], by retrieval: RetrievalID
    ) async throws(DepotError) -> Set<ChunkID> {
        let unwritten = queue.unwritten.held(by: retrieval)
        return try await queue.view { session in
            let held = try Set(Self.held(by: retrieval, unwritten, session).keys)
            let table = try ChunkTable(session)
            let using = try session.statement(
                "SELECT manifest FROM reference WHERE chunk = ? LIMIT \(Self.usesLookedAtMax)")
            let used = try session.statement(
                "SELECT 1 FROM reference WHERE manifest = ? AND chunk = ?")
            return try Set(
                chunks.filter { id in
                    guard let chunk = try table.find(id)?.number else { return false }
                    if held.contains(-chunk) { return true }
                    var isHeld = false
                    var count = 0
                    try using.visit(chunk) { row in
                        count += 1
                        isHeld = held.contains(try row.get(0))
                        return !isHeld
                    }
                    if isHeld || count < Self.usesLookedAtMax { return isHeld }
                    return try held.contains { manifest in
                        try used.first(manifest, chunk) { _ in true } ?? false
                    }
                })
        }
    }
}
