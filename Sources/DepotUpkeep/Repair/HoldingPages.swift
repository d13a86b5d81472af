import DepotCore

/// The chunks of which a replica has a copy in some state, a page at a time.
struct HoldingPages {
    private static let pageSize = 512

    private let replica: ReplicaID
    private let state: HoldingState
    private let catalog: any CopyCatalog
    private var cursor: ChunkPlace?
    private var isOver = false

    init(on replica: ReplicaID, state: HoldingState, _ catalog: any CopyCatalog) {
        self.replica = replica
        self.state = state
        self.catalog = catalog
    }

    /// - Returns: at least one chunk, or `nil` after the last.
    mutating func next() async throws(DepotError) -> [ChunkStatus]? {
        while !isOver {
            let page = try await catalog.holdings(
                on: replica, state: state, after: cursor, limit: Self.pageSize)
            isOver = page.next == nil
            cursor = page.next
            let statuses = try await catalog.statuses(of: page.chunks.map(\.id)).compactMap { $0 }
            if !statuses.isEmpty { return statuses }
        }
        return nil
    }
}
