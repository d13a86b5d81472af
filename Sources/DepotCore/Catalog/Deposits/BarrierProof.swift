/// The answers of replicas at a barrier.
public struct BarrierProof: Sendable {
    /// Which replicas hold which chunk durably. A chunk that no replica holds has an empty set. Its
    /// length is what a replica found when it hashed the bytes, never what a client says.
    public var durable: [ChunkReference: Set<ReplicaID>]
    /// Which replicas were asked for a chunk and do not hold it.
    public var absent: [ChunkID: Set<ReplicaID>]
    /// Chunks that count as new in the deposit's receipts, whoever has them: its client is not to
    /// know.
    public var new: Set<ChunkID> = []

    public init(
        durable: [ChunkReference: Set<ReplicaID>] = [:], absent: [ChunkID: Set<ReplicaID>] = [:]
    ) {
        self.durable = durable
        self.absent = absent
    }
}

/// What replicas answered, and since when their answers hold.
public struct BarrierWord: Sendable {
    public let proof: BarrierProof
    /// Taken before the replicas were asked.
    public let mark: CatalogMark

    public init(_ proof: BarrierProof, asOf mark: CatalogMark) {
        self.proof = proof
        self.mark = mark
    }
}
