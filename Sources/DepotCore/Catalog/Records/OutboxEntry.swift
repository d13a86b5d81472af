/// Where an entry stands in the outbox: later ones are higher.
public struct OutboxPosition: Sendable, Hashable, Comparable {
    public let number: Int64

    public init(_ number: Int64) { self.number = number }

    public static func < (left: Self, right: Self) -> Bool { left.number < right.number }
}

/// A record on its way to its replicas.
public struct OutboxEntry: Sendable, Hashable {
    public let position: OutboxPosition
    public let record: FileRecord
    /// Where it is known to be durable.
    public let confirmed: Set<ReplicaID>

    public init(position: OutboxPosition, record: FileRecord, confirmed: Set<ReplicaID>) {
        self.position = position
        self.record = record
        self.confirmed = confirmed
    }
}

/// Where a record is durable now.
public struct RecordConfirmation: Sendable, Hashable {
    /// The SHA-256 of its bytes.
    public let record: ChunkID
    public let replicas: [ReplicaID]
    /// Takes it out of the outbox.
    public let isDone: Bool

    public init(record: ChunkID, on replicas: [ReplicaID], isDone: Bool) {
        self.record = record
        self.replicas = replicas
        self.isDone = isDone
    }
}
