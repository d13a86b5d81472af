/// How far a replica's log goes. It only grows; one that went back is another disk, or an older
/// state of it.
public struct LogPosition: Sendable, Hashable, Comparable, Codable {
    /// An opening a second for 35,000 years: so many can be counted on.
    public static let opensMax: UInt64 = 1 << 40

    /// How often the folder has been opened, this time included.
    public let opens: UInt64
    /// The number of the segment that is being appended to.
    public let segment: UInt32
    /// The first byte of that segment that no sync covers yet.
    public let offset: UInt64

    /// - Precondition: a log can have it. For positions that were counted here;
    ///   `init(exactlyOpens:segment:offset:)` is for those that somebody else says.
    public init(opens: UInt64, segment: UInt32, offset: UInt64) {
        assert(opens <= Self.opensMax && segment <= SegmentID.numberNext, "no log is there")
        assert(ByteCount.range.contains(offset), "no segment is so long")
        self.opens = opens
        self.segment = segment
        self.offset = offset
    }

    /// `nil` for a position that no log can have.
    public init?(exactlyOpens opens: UInt64, segment: UInt32, offset: UInt64) {
        guard opens <= Self.opensMax, segment <= SegmentID.numberNext,
            ByteCount.range.contains(offset)
        else { return nil }
        self.init(opens: opens, segment: segment, offset: offset)
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let opens = try values.decode(UInt64.self, forKey: .opens)
        let segment = try values.decode(UInt32.self, forKey: .segment)
        let offset = try values.decode(UInt64.self, forKey: .offset)
        guard let position = Self(exactlyOpens: opens, segment: segment, offset: offset) else {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(
                    codingPath: decoder.codingPath,
                    debugDescription: "no log is at opening \(opens), segment \(segment), byte "
                        + "\(offset): the most are \(Self.opensMax), \(SegmentID.numberNext) and "
                        + "\(ByteCount.range.upperBound)"))
        }
        self = position
    }

    public static func < (left: Self, right: Self) -> Bool {
        (left.opens, left.segment, left.offset) < (right.opens, right.segment, right.offset)
    }

    /// A place that continues neither where one of the two does not.
    public init(lowestOf first: LogPosition, _ second: LogPosition) {
        let isFirst = (first.segment, first.offset) < (second.segment, second.offset)
        let place = isFirst ? first : second
        self.init(
            opens: min(first.opens, second.opens), segment: place.segment, offset: place.offset)
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
    /// Counts the changes of the member list in this epoch.
    public let revision: UInt64
    /// Who may change anything; `nil` before anybody claimed that.
    public let writer: WriterClaim?

    private enum CodingKeys: String, CodingKey {
        case cluster, epoch, members, revision, writer
    }

    public init(
        cluster: ClusterID, epoch: UInt32, members: [ReplicaID], revision: UInt64 = 0,
        writer: WriterClaim? = nil
    ) {
        self.cluster = cluster
        self.epoch = epoch
        self.members = members
        self.revision = revision
        self.writer = writer
    }

    /// Members of one cluster; what is placed, asked and written down grows with them.
    public static let membersMax = 1_024

    /// One of an older depot has neither revision nor writer.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        cluster = try values.decode(ClusterID.self, forKey: .cluster)
        epoch = try values.decode(UInt32.self, forKey: .epoch)
        members = try values.decode([ReplicaID].self, forKey: .members)
        revision = try values.decodeIfPresent(UInt64.self, forKey: .revision) ?? 0
        writer = try values.decodeIfPresent(WriterClaim.self, forKey: .writer)
        try Self.check(UInt64(epoch), of: .epoch, atMost: UInt64(CommitSequence.epochMax), values)
        try Self.check(revision, of: .revision, atMost: WriterClaim.numberMax, values)
        try Self.check(UInt64(members.count), of: .members, atMost: UInt64(Self.membersMax), values)
    }

    private static func check(
        _ found: UInt64, of key: CodingKeys, atMost most: UInt64,
        _ values: KeyedDecodingContainer<CodingKeys>
    ) throws {
        guard found <= most else {
            throw DecodingError.dataCorruptedError(
                forKey: key, in: values, debugDescription: "\(most) at most, found \(found)")
        }
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
    /// The highest sequence that it ever knew of, by a record or by the FileServer's word.
    public let highestSequence: CommitSequence?
    /// Bytes of its segments.
    @ByteCount public private(set) var usedBytes: UInt64
    /// Bytes that it can still take.
    @ByteCount public private(set) var freeBytes: UInt64
    /// Bytes that it could hold in all: its share of new copies is in proportion.
    @ByteCount public private(set) var capacity: UInt64
    /// Live chunks that it holds.
    @Count public private(set) var chunks: Int
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
        self.capacity = capacity ?? [usedBytes, freeBytes].total { $0 }
        self.chunks = chunks
        self.writable = writable
    }
}
