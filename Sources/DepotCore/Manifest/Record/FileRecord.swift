/// The small text that binds a file name to a manifest, or to the only chunk of the file, a level
/// and a sequence number: one for each commit, kept on replicas, so that a catalog can be made again
/// from them.
public struct FileRecord: Sendable, Hashable {
    /// Which fields there can be. An older depot refuses a record with a field that it does not
    /// know, and drops none.
    public enum Format: UInt8, Sendable, Hashable {
        /// Without a number in its text.
        case one = 1
        case two = 2
    }

    public enum Content: Sendable, Hashable {
        case file(
            level: ReplicationLevel, manifest: ManifestReference, size: UInt64,
            metadata: FileMetadata)
        /// A tombstone: the name was deleted.
        case deleted(level: ReplicationLevel)
    }

    public let format: Format
    public let cluster: ClusterID
    public let name: FileName
    public let sequence: CommitSequence
    /// Seconds since 1970 at the commit. For people: nothing is decided by it.
    public let time: Int64
    public let content: Content
    /// The commit that brought this content, where this one changes only its level or metadata.
    public let origin: CommitSequence?
    /// The request that asked for it, where that may be repeated.
    public let request: RequestID?
    /// What it says of the words before it.
    public let history: NameHistory

    /// Of all that the name was or is.
    public var locks: ContentLocks { history.locks }

    /// Seconds since 1970 since when the name says this.
    public var began: Int64 { history.since ?? time }

    /// What its locks call its content; `nil` of a deletion.
    public var contentID: ChunkID? {
        switch content {
        case .file(_, let manifest, _, _): manifest.id
        case .deleted: nil
        }
    }

    /// What the file, or its tombstone, asks for.
    public var level: ReplicationLevel {
        switch content {
        case .file(let level, _, _, _), .deleted(let level): level
        }
    }

    /// The years 1 to 9999, which every calendar can write.
    public static let timeRange: ClosedRange<Int64> = -62_135_596_800...253_402_300_799

    public static func clampedTime(_ seconds: Int64) -> Int64 {
        min(max(seconds, timeRange.lowerBound), timeRange.upperBound)
    }

    public init(
        format: Format = .two, cluster: ClusterID, name: FileName, sequence: CommitSequence,
        time: Int64, content: Content, origin: CommitSequence? = nil, request: RequestID? = nil,
        history: NameHistory = .none
    ) {
        self.format = format
        self.cluster = cluster
        self.name = name
        self.sequence = sequence
        self.time = Self.clampedTime(time)
        self.content = content
        self.origin = origin
        self.request = request
        self.history = history.spelled(at: self.time)
        assert(Self.timeRange.contains(self.time), "a time that no calendar can write")
    }
}
