/// What the catalog believes of one replica's copy of one chunk.
public enum HoldingState: String, Sendable, Codable, CaseIterable {
    /// It may be there; nobody vouched for it since the replica was last seen whole.
    /// → `good` when its replica vouches for it; the row goes when the replica says that it is absent.
    case unproved
    /// Its replica vouched for it, or a check hashed it. Only such a copy counts.
    /// → `bad` when the replica hashed it twice and it was wrong; → `released` through the gate
    /// `Catalog.release`; → `unproved` when the replica's log position went back.
    case good
    /// Known to be wrong. → `good` when the chunk was put there again and vouched for.
    case bad
    /// No longer counted, to be deleted. The row goes when the replica has deleted it;
    /// → `good` when the chunk is put there again and vouched for.
    case released
}

public struct Holding: Sendable, Hashable, Codable {
    public let replica: ReplicaID
    public let state: HoldingState

    public init(replica: ReplicaID, state: HoldingState) {
        self.replica = replica
        self.state = state
    }
}

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
}

/// Everything that the catalog knows of one chunk.
public struct ChunkStanding: Sendable, Hashable {
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
