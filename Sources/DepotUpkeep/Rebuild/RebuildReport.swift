import DepotCore

/// What a rebuild brought back, and what not.
public struct RebuildReport: Sendable, Codable {
    /// So many names of each kind are listed.
    public static let listedMax = 1_000

    /// A name whose newest version is not whole.
    public struct Incomplete: Sendable, Codable {
        public let name: FileName
        public let sequence: CommitSequence
        /// What it lacks, in words.
        public let problem: String
        /// The version that stands in for it, where there is one.
        public let restored: CommitSequence?
    }

    public internal(set) var cluster: ClusterID
    /// The new one.
    public internal(set) var epoch: UInt32
    public internal(set) var members: Int
    /// Members that were not asked: the catalog is partial until each has returned or was forgotten.
    public internal(set) var missing: [ReplicaID]
    public internal(set) var files = 0
    @ByteCount public internal(set) var bytes: UInt64 = 0
    public internal(set) var tombstones = 0
    /// What names were before.
    public internal(set) var versions = 0
    /// Beside these, files that names were and of which something is missing.
    public internal(set) var incompleteVersions = 0
    /// Copies of chunks that replicas hold.
    public internal(set) var copies = 0
    /// Names whose newest version is incomplete, and an older one was restored.
    public internal(set) var olderVersions = 0
    public internal(set) var olderVersionsListed: [Incomplete] = []
    /// Names of which no version is whole.
    public internal(set) var incomplete = 0
    public internal(set) var incompleteListed: [Incomplete] = []
    /// Names whose newest word only a minority of the replicas gave, and which were taken all the
    /// same.
    public internal(set) var minorityWords = 0
    public internal(set) var minorityWordsListed: [MinorityWord] = []
    /// Where members are missing: the newest commit that those which are there know of, if none of
    /// them has so new a record. The newest word on a name may be with the missing ones; or it was
    /// a deletion that is over.
    public internal(set) var newestKnown: CommitSequence?
    /// Records of which no replica has a sound copy.
    public internal(set) var unreadableRecords = 0
    public internal(set) var unreadableListed: [ChunkID] = []
    /// Records of another cluster; passed over.
    public internal(set) var foreignRecords = 0

    /// Whether everything that a record names is back.
    public var isComplete: Bool {
        olderVersions == 0 && incomplete == 0 && unreadableRecords == 0
    }

    init(_ census: RebuildCensus, epoch: UInt32) {
        cluster = census.cluster
        self.epoch = epoch
        members = census.members.count
        missing = census.missing
    }

    mutating func note(_ lacking: Incomplete) {
        if lacking.restored != nil {
            olderVersions += 1
            if olderVersionsListed.count < Self.listedMax { olderVersionsListed.append(lacking) }
        } else {
            incomplete += 1
            if incompleteListed.count < Self.listedMax { incompleteListed.append(lacking) }
        }
    }
}
