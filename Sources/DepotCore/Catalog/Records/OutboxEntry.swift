/// Where an entry stands in the outbox: later ones are higher.
public struct OutboxPosition: Sendable, Hashable, Comparable {
    public let number: Int64

    public init(_ number: Int64) { self.number = number }

    public static func < (left: Self, right: Self) -> Bool { left.number < right.number }
}

/// Records on their way to their replicas.
public struct OutboxEntry: Sendable, Hashable {
    public let position: OutboxPosition
    public let batch: RecordBatch
    /// Where they are known to be durable.
    public let confirmed: Set<ReplicaID>

    public init(position: OutboxPosition, batch: RecordBatch, confirmed: Set<ReplicaID>) {
        self.position = position
        self.batch = batch
        self.confirmed = confirmed
    }
}

/// Where records that are kept together are durable now.
public struct RecordConfirmation: Sendable, Hashable {
    /// Their batch.
    public let batch: ChunkID
    public let replicas: [ReplicaID]
    /// Takes them out of the outbox.
    public let isDone: Bool

    public init(batch: ChunkID, on replicas: [ReplicaID], isDone: Bool) {
        self.batch = batch
        self.replicas = replicas
        self.isDone = isDone
    }
}
