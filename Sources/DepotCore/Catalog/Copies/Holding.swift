/// What the catalog believes of one replica's copy of one chunk.
public enum HoldingState: String, Sendable, Codable, CaseIterable {
    /// It may be there; nobody vouched for it since the replica was last seen whole.
    /// → `good` when its replica vouches for it; the row goes when the replica says that it is
    /// absent.
    case unproved
    /// Its replica vouched for it, or a check hashed it. Only such a copy counts.
    /// → `bad` when the replica hashed it twice and it was wrong; → `released` through the gate
    /// `CopyCatalog.release`; → `unproved` when the replica's log position went back.
    case good
    /// Known to be wrong. → `good` when the chunk was put there again and vouched for.
    case bad
    /// No longer counted, to be deleted. The row goes when the replica has deleted it;
    /// → `good` when the chunk is put there again and vouched for.
    case released
}

/// One copy of a chunk: where it is, and what is believed of it.
public struct Holding: Sendable, Hashable, Codable {
    public let replica: ReplicaID
    public let state: HoldingState

    public init(replica: ReplicaID, state: HoldingState) {
        self.replica = replica
        self.state = state
    }
}
