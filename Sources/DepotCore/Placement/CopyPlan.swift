/// A copy to be made of a chunk.
public struct CopyOrder: Sendable, Hashable, Codable {
    public let chunk: ChunkReference
    /// Replicas with a good copy, the one to ask first at the front; at least one.
    public let sources: [ReplicaID]
    public let destination: ReplicaID

    public init(chunk: ChunkReference, sources: [ReplicaID], destination: ReplicaID) {
        self.chunk = chunk
        self.sources = sources
        self.destination = destination
    }
}

/// A good copy that is not needed. An advice: whether it goes is decided by `CopyCatalog.release`.
public struct DropOrder: Sendable, Hashable, Codable {
    public let chunk: ChunkReference
    public let replica: ReplicaID
    /// Replicas whose good copies stay, as many as the target. They are to be checked before the
    /// drop.
    public let remaining: [ReplicaID]

    public init(chunk: ChunkReference, replica: ReplicaID, remaining: [ReplicaID]) {
        self.chunk = chunk
        self.replica = replica
        self.remaining = remaining
    }
}

/// A chunk that no plan brings to its target now.
public struct CopyShortfall: Sendable, Hashable, Codable {
    public enum Reason: String, Sendable, Codable {
        /// No replica that can be asked has a good copy: there is nothing to copy from.
        case noGoodCopy
        /// Fewer replicas take copies than the target asks for.
        case notEnoughReplicas
    }

    public let chunk: ChunkReference
    public let target: Int
    /// Good copies that it will have once the plan is carried out.
    public let copies: Int
    public let reason: Reason

    public init(chunk: ChunkReference, target: Int, copies: Int, reason: Reason) {
        self.chunk = chunk
        self.target = target
        self.copies = copies
        self.reason = reason
    }
}

/// What is to be done so that each of some chunks has as many good copies as its target: for a
/// change of level, for repair and for dropping surplus copies alike. A value; nothing is done by
/// making it.
///
/// A chunk never is in both `copies` and `drops`.
public struct CopyPlan: Sendable, Hashable, Codable {
    public var copies: [CopyOrder] = []
    public var drops: [DropOrder] = []
    public var shortfalls: [CopyShortfall] = []

    public init() {}

    public var isEmpty: Bool { copies.isEmpty && drops.isEmpty && shortfalls.isEmpty }
}
