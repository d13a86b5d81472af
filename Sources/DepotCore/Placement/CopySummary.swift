/// What plans come to, without their single orders: as small for a million chunks as for one.
public struct CopySummary: Sendable, Hashable, Codable {
    /// What one replica takes and gives up.
    public struct Share: Sendable, Hashable, Codable {
        public var copies = 0
        public var bytesCopied: UInt64 = 0
        public var drops = 0
        public var bytesDropped: UInt64 = 0

        public init() {}
    }

    /// So many shortfalls are listed by name; enough to look into, and a page on a screen.
    public static let shortfallsListedMax = 20

    /// Copies to be made, and their bytes.
    public private(set) var copies = 0
    public private(set) var bytesCopied: UInt64 = 0
    /// Copies to be dropped, and their bytes.
    public private(set) var drops = 0
    public private(set) var bytesDropped: UInt64 = 0
    /// Chunks that do not reach their target.
    public private(set) var shortfalls = 0
    /// The first `shortfallsListedMax` of them.
    public private(set) var shortfallsListed: [CopyShortfall] = []
    /// What is copied to and dropped from each replica that has a part in it.
    public private(set) var replicas: [ReplicaID: Share] = [:]

    public init() {}

    public init(_ plan: CopyPlan) { add(plan) }

    public mutating func add(_ plan: CopyPlan) {
        for order in plan.copies {
            let bytes = UInt64(order.chunk.length)
            copies += 1
            bytesCopied += bytes
            replicas[order.destination, default: Share()].copies += 1
            replicas[order.destination, default: Share()].bytesCopied += bytes
        }
        for order in plan.drops {
            let bytes = UInt64(order.chunk.length)
            drops += 1
            bytesDropped += bytes
            replicas[order.replica, default: Share()].drops += 1
            replicas[order.replica, default: Share()].bytesDropped += bytes
        }
        shortfalls += plan.shortfalls.count
        list(plan.shortfalls)
    }

    /// Adds what another part of the same undertaking comes to.
    public mutating func add(_ other: CopySummary) {
        copies += other.copies
        bytesCopied += other.bytesCopied
        drops += other.drops
        bytesDropped += other.bytesDropped
        shortfalls += other.shortfalls
        list(other.shortfallsListed)
        for (replica, share) in other.replicas {
            replicas[replica, default: Share()].add(share)
        }
    }

    private mutating func list(_ found: [CopyShortfall]) {
        shortfallsListed += found.prefix(Self.shortfallsListedMax - shortfallsListed.count)
    }
}

extension CopySummary.Share {
    fileprivate mutating func add(_ other: Self) {
        copies += other.copies
        bytesCopied += other.bytesCopied
        drops += other.drops
        bytesDropped += other.bytesDropped
    }
}
