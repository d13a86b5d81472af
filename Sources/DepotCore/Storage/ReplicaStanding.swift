/// How far a replica's log goes. It only grows; one that went back is another disk, or an older state of it.
public struct LogPosition: Sendable, Hashable, Comparable, Codable {
    /// How often the folder has been opened, this time included.
    public let opens: UInt64
    /// The number of the segment that is being appended to.
    public let segment: UInt32
    /// The first byte of that segment that no sync covers yet.
    public let offset: UInt64

    public init(opens: UInt64, segment: UInt32, offset: UInt64) {
        self.opens = opens
        self.segment = segment
        self.offset = offset
    }

    public static func < (left: Self, right: Self) -> Bool {
        (left.opens, left.segment, left.offset) < (right.opens, right.segment, right.offset)
    }

    /// Whether a log that was at `earlier` can be here now: no part of the position went back.
    public func continues(_ earlier: LogPosition) -> Bool {
        opens >= earlier.opens && (segment, offset) >= (earlier.segment, earlier.offset)
    }
}

/// How far a replica's log went, by what it answered.
public struct HeardPosition: Sendable, Hashable {
    public let replica: ReplicaID
    public let position: LogPosition

    public init(replica: ReplicaID, position: LogPosition) {
        self.replica = replica
        self.position = position
    }
}

/// What a FileServer tells a replica about the cluster that it belongs to.
public struct ClusterMembership: Sendable, Hashable, Codable {
    public let cluster: ClusterID
    public let epoch: UInt32
    public let members: [ReplicaID]

    public init(cluster: ClusterID, epoch: UInt32, members: [ReplicaID]) {
        self.cluster = cluster
        self.epoch = epoch
        self.members = members
    }
}

/// What a replica says of itself.
public struct ReplicaStanding: Sendable, Hashable, Codable {
    public let replica: ReplicaID
    /// What its operator calls it, and where it stands; `nil` where that was not said.
    public let name: String?
    public let zone: String?
    /// `nil` while it belongs to no cluster.
    public let membership: ClusterMembership?
    public let position: LogPosition
    /// The highest sequence of any record that it holds.
    public let highestSequence: CommitSequence?
    /// Bytes of its segments.
    public let usedBytes: UInt64
    /// Bytes that it can still take.
    public let freeBytes: UInt64
    /// Bytes that it could hold in all: its share of new copies is in proportion.
    public let capacity: UInt64
    /// Live chunks that it holds.
    public let chunks: Int
    /// Whether it takes writes; not after an I/O error.
    public let writable: Bool
    /// Whether it is being stopped, cleanly: it means to come back.
    public var isLeaving = false

    public init(
        replica: ReplicaID, name: String? = nil, zone: String? = nil,
        membership: ClusterMembership?, position: LogPosition, highestSequence: CommitSequence?,
        usedBytes: UInt64, freeBytes: UInt64, capacity: UInt64? = nil, chunks: Int, writable: Bool
    ) {
        self.replica = replica
        self.name = name
        self.zone = zone
        self.membership = membership
        self.position = position
        self.highestSequence = highestSequence
        self.usedBytes = usedBytes
        self.freeBytes = freeBytes
        self.capacity = capacity ?? usedBytes + freeBytes
        self.chunks = chunks
        self.writable = writable
    }
}
