import DepotCore

public struct OpenRetrievalBody: Sendable, Codable {
    public let retrieval: RetrievalID
    /// At most `WireLimits.retrievalFilesMax`.
    public let names: [FileName]
    /// Of each name the version that is wanted, or `nil` for what it is now; left out where all are.
    public let sequences: [CommitSequence?]?

    public init(retrieval: RetrievalID, versions: [VersionName]) {
        self.retrieval = retrieval
        names = versions.map(\.name)
        sequences =
            versions.contains { $0.sequence != nil } ? versions.map(\.sequence) : nil
    }

    public init(retrieval: RetrievalID, names: [FileName]) {
        self.init(retrieval: retrieval, versions: names.map { VersionName($0) })
    }

    /// As many as names, where there are as many sequences.
    public var versions: [VersionName] {
        guard let sequences else { return names.map { VersionName($0) } }
        return zip(names, sequences).map { VersionName($0, $1) }
    }
}

public struct RetrievalBody: Sendable, Codable {
    public struct Found: Sendable, Codable {
        /// Exactly one of the two is there.
        public let file: FileBody?
        public let error: ErrorEnvelope.Body?

        public init(_ result: Result<FileBody, DepotError>) {
            switch result {
            case .success(let found): (file, error) = (found, nil)
            case .failure(let reason): (file, error) = (nil, ErrorEnvelope(reason).error)
            }
        }

        public func get() throws(DepotError) -> FileBody {
            if let file { return file }
            throw error?.depotError
                ?? DepotError(.internalError, "neither a file nor an error was answered")
        }
    }

    public let retrieval: RetrievalID
    @Seconds public private(set) var leaseSeconds: Int
    /// One for each name, in order.
    public let files: [Found]

    public init(retrieval: RetrievalID, leaseSeconds: Int, files: [Found]) {
        self.retrieval = retrieval
        self.leaseSeconds = leaseSeconds
        self.files = files
    }
}

/// A live file.
public struct FileBody: Sendable, Codable {
    public let name: FileName
    public let sequence: CommitSequence
    public let manifest: ManifestReference
    @ByteCount public private(set) var size: UInt64
    public let level: ReplicationLevel
    public let metadata: FileMetadata
    /// Seconds since 1970 when it was committed.
    public let time: Int64
    /// What its content is locked by; absent where it is not.
    public let lock: ContentLock?

    public init(_ entry: FileEntry) {
        name = entry.name
        sequence = entry.sequence
        manifest = entry.manifest
        size = entry.size
        level = entry.level
        metadata = entry.metadata
        time = entry.time
        lock = entry.lock
    }

    /// About as many bytes as it takes in a body.
    public var textSize: Int { 300 + 2 * name.text.utf8.count + metadata.textSize }
}

public struct FileListBody: Sendable, Codable {
    public let files: [FileBody]
    /// There may be more after the last of them.
    public let hasMore: Bool
    /// Where many names had nothing to list: there may be more after this one.
    public let next: FileName?

    public init(files: [FileBody], hasMore: Bool, next: FileName? = nil) {
        self.files = files
        self.hasMore = hasMore
        self.next = next
    }
}

public struct FileInfoBody: Sendable, Codable {
    public struct Chunk: Sendable, Codable {
        public let id: ChunkID
        @Count public private(set) var length: Int
        /// The highest level of the files and leases that use it.
        @Count public private(set) var target: Int
        public let holdings: [Holding]
        /// Good copies on members that count: a copy on one that is away for too long is listed
        /// above, and does not. Absent where an older FileServer answers.
        public let counted: Count?

        public init(_ status: ChunkStatus, counting: Set<ReplicaID>) {
            counted = Count(wrappedValue: status.copies.good(on: counting).count)
            id = status.reference.id
            length = status.reference.length
            target = status.target
            holdings = status.holdings
        }

        private init(_ chunk: Self, holdings: [Holding], counted: Count?, target: Int) {
            id = chunk.id
            _length = chunk._length
            self.holdings = holdings
            self.counted = counted
            _target = Count(wrappedValue: target)
        }

        /// With as many copies as a level asks for, the good ones first.
        public func limited(to level: ReplicationLevel) -> Self {
            let sorted = holdings.sorted {
                ($0.state == .good ? 0 : 1) < ($1.state == .good ? 0 : 1)
            }
            return Self(
                self,
                holdings: sorted.prefix(level.copies).sorted { $0.replica < $1.replica },
                counted: counted.map {
                    Count(wrappedValue: min($0.wrappedValue, level.copies))
                }, target: min(target, level.copies))
        }
    }

    public let file: FileBody
    /// A page of its distinct chunks, in the catalog's order; the manifest among them, unless it is
    /// inline.
    public let chunks: [Chunk]
    public let hasMore: Bool

    public init(file: FileBody, chunks: [Chunk], hasMore: Bool) {
        self.file = file
        self.chunks = chunks
        self.hasMore = hasMore
    }
}

public struct ChangeLevelBody: Sendable, Codable {
    public let level: ReplicationLevel
    /// Only say what would be done.
    public let planOnly: Bool

    public init(level: ReplicationLevel, planOnly: Bool) {
        self.level = level
        self.planOnly = planOnly
    }
}

public struct LevelChangeBody: Sendable, Codable {
    public let name: FileName
    public let from: ReplicationLevel
    public let to: ReplicationLevel
    /// Copies made, and copies dropped, of its chunks; or, of a plan, to be made and dropped.
    @Count public private(set) var copied: Int
    @Count public private(set) var dropped: Int
    /// Chunks that stay above the new level because another file asks for more copies.
    @Count public private(set) var pinned: Int
    /// Chunks that have fewer good copies than the new level asks for; repair goes on raising them.
    /// 0 in a plan.
    @Count public private(set) var lacking: Int
    @ByteCount public private(set) var bytesCopied: UInt64
    /// Whether this was only a plan.
    public let planOnly: Bool
    /// What the plan asks of each replica.
    public let replicas: [ReplicaShare]

    public struct ReplicaShare: Sendable, Codable {
        public let replica: ReplicaID
        @Count public private(set) var copied: Int
        @Count public private(set) var dropped: Int
        @ByteCount public private(set) var bytesCopied: UInt64

        public init(replica: ReplicaID, copied: Int, dropped: Int, bytesCopied: UInt64) {
            self.replica = replica
            self.copied = copied
            self.dropped = dropped
            self.bytesCopied = bytesCopied
        }
    }

    public init(
        name: FileName, from: ReplicationLevel, to: ReplicationLevel, copied: Int, dropped: Int,
        pinned: Int, lacking: Int, bytesCopied: UInt64, planOnly: Bool, replicas: [ReplicaShare]
    ) {
        self.name = name
        self.from = from
        self.to = to
        self.copied = copied
        self.dropped = dropped
        self.pinned = pinned
        self.lacking = lacking
        self.bytesCopied = bytesCopied
        self.planOnly = planOnly
        self.replicas = replicas
    }

    /// For whoever is not to know which of the chunks others have as well.
    public var withoutCopies: LevelChangeBody {
        LevelChangeBody(
            name: name, from: from, to: to, copied: 0, dropped: 0, pinned: 0, lacking: 0,
            bytesCopied: 0, planOnly: planOnly, replicas: [])
    }
}
