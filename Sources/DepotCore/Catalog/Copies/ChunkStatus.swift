/// Where a chunk's copies are believed to be.
public struct ChunkCopies: Sendable, Hashable {
    public let reference: ChunkReference
    /// In order of replica.
    public let holdings: [Holding]

    public init(reference: ChunkReference, holdings: [Holding]) {
        self.reference = reference
        self.holdings = holdings
    }

    public var good: [ReplicaID] { holdings.filter { $0.state == .good }.map(\.replica) }

    /// Those of `good` on members that count.
    public func good(on counting: Set<ReplicaID>) -> [ReplicaID] {
        good.filter(counting.contains)
    }

    /// The chunk where a replica holds it; where none does, nobody is bound to its length.
    public var proved: ChunkReference? { holdings.isEmpty ? nil : reference }
}

/// Everything that the catalog knows of one chunk.
public struct ChunkStatus: Sendable, Hashable {
    public let copies: ChunkCopies
    /// The highest level of the live files and leases that use it; 0 where none does.
    public let target: Int

    public init(copies: ChunkCopies, target: Int) {
        self.copies = copies
        self.target = target
    }

    public var reference: ChunkReference { copies.reference }
    public var holdings: [Holding] { copies.holdings }
    public var good: [ReplicaID] { copies.good }
}
