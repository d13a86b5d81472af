import DepotCore

/// Whom to ask for chunks, as things stand when a request begins.
struct SourceChoice {
    private let pool: ReplicaPool
    private let placement: Placement
    private let readable: Set<ReplicaID>
    private let slow: Set<ReplicaID>

    init(_ pool: ReplicaPool) {
        self.pool = pool
        placement = pool.placement
        readable = pool.readable
        slow = pool.avoided
    }

    /// Holders of a chunk, the one to ask first at the front.
    func order(_ copies: ChunkCopies) -> [ReplicaID] {
        let rank = placement.order(for: copies.reference.id)
        let key = { (holding: Holding) -> (Int, Int, Int) in
            let isReadable = readable.contains(holding.replica)
            return (
                (isReadable ? 0 : 4) + (holding.state == .good ? 0 : 2)
                    + (slow.contains(holding.replica) ? 1 : 0),
                pool.node(of: holding.replica)?.load.load(ordering: .relaxed) ?? 0,
                rank.firstIndex(of: holding.replica) ?? rank.count
            )
        }
        return copies.holdings
            .filter { $0.state == .good || $0.state == .unproved }
            .map { (replica: $0.replica, key: key($0)) }
            .sorted { $0.key < $1.key }
            .map(\.replica)
    }
}
