/// Which cluster a catalog is of.
public struct ClusterIdentity: Sendable, Hashable {
    public let cluster: ClusterID
    public let epoch: UInt32

    public init(cluster: ClusterID, epoch: UInt32) {
        self.cluster = cluster
        self.epoch = epoch
    }
}

/// A moment in the order of the catalog's own changes; worth nothing to another catalog.
public struct CatalogMark: Sendable, Hashable, Comparable {
    public let value: UInt64

    public init(value: UInt64) { self.value = value }

    public static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}

/// What if a file had this level?
public struct LevelAssumption: Sendable, Hashable {
    public let name: FileName
    public let level: ReplicationLevel

    public init(name: FileName, level: ReplicationLevel) {
        self.name = name
        self.level = level
    }
}

/// What a client asks for when it begins to deposit.
public struct DepositOpening: Sendable, Hashable {
    public let deposit: DepositID
    public let level: ReplicationLevel
    /// How long the lease lasts after each renewal, in the catalog's running time.
    public let lease: Duration

    public init(deposit: DepositID, level: ReplicationLevel, lease: Duration) {
        self.deposit = deposit
        self.level = level
        self.lease = lease
    }
}

/// What replicas said at a barrier.
public struct BarrierProof: Sendable {
    /// Which replicas hold which chunk durably. A chunk that no replica holds has an empty set.
    public var durable: [ChunkID: Set<ReplicaID>]
    /// Which replicas were asked and hold it not.
    public var absent: [ChunkID: Set<ReplicaID>]

    public init(
        durable: [ChunkID: Set<ReplicaID>] = [:], absent: [ChunkID: Set<ReplicaID>] = [:]
    ) {
        self.durable = durable
        self.absent = absent
    }
}

/// Some of what a manifest uses.
public struct ManifestPage: Sendable, Hashable {
    public let manifest: ChunkReference
    /// Of the file's content.
    public let chunks: [ChunkReference]
    /// Of the manifest, where its depth is 1. Held as the content is, but not counted in receipts.
    public let pieces: [ChunkReference]
    /// Whether nothing comes behind it.
    public let isLast: Bool

    public init(
        of manifest: ChunkReference, chunks: [ChunkReference], pieces: [ChunkReference] = [],
        isLast: Bool
    ) {
        self.manifest = manifest
        self.chunks = chunks
        self.pieces = pieces
        self.isLast = isLast
    }
}

/// A file about to be committed. Its manifest was staged.
public struct FileCommit: Sendable, Hashable {
    public let name: FileName
    public let manifest: ChunkReference
    public let size: UInt64
    public let metadata: FileMetadata
    /// Chunks of its content, for the receipt.
    public let chunks: Int

    public init(
        name: FileName, manifest: ChunkReference, size: UInt64, metadata: FileMetadata, chunks: Int
    ) {
        self.name = name
        self.manifest = manifest
        self.size = size
        self.metadata = metadata
        self.chunks = chunks
    }
}

public enum CommitOutcome: Sendable, Hashable {
    /// The commit is in the catalog; the record is in the outbox.
    case committed(Receipt, record: FileRecord)
    /// Nothing was changed: these have fewer copies than required. Some of them, if there are very many.
    case lacking([ChunkReference])
}

public struct OutboxEntry: Sendable, Hashable {
    public let record: FileRecord
    /// Where it is known to be durable.
    public let confirmed: Set<ReplicaID>

    public init(record: FileRecord, confirmed: Set<ReplicaID>) {
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

/// A live file.
public struct FileEntry: Sendable, Hashable {
    public let name: FileName
    public let sequence: CommitSequence
    public let manifest: ChunkReference
    public let size: UInt64
    public let level: ReplicationLevel
    public let metadata: FileMetadata
    /// Seconds since 1970 when it was committed.
    public let time: Int64

    public init(
        name: FileName, sequence: CommitSequence, manifest: ChunkReference, size: UInt64,
        level: ReplicationLevel, metadata: FileMetadata, time: Int64
    ) {
        self.name = name
        self.sequence = sequence
        self.manifest = manifest
        self.size = size
        self.level = level
        self.metadata = metadata
        self.time = time
    }
}

public struct CatalogTotals: Sendable, Hashable {
    public let files: Int
    /// The sizes of all files, added up.
    public let logicalBytes: UInt64
    /// Each chunk that a file uses, counted once.
    public let uniqueBytes: UInt64
    /// Each good copy.
    public let storedBytes: UInt64
    /// Chunks that files use, with fewer good copies than the highest level of these files.
    public let underReplicated: Int
    /// Good copies by replica.
    public let chunks: [ReplicaID: Int]

    public init(
        files: Int, logicalBytes: UInt64, uniqueBytes: UInt64, storedBytes: UInt64,
        underReplicated: Int, chunks: [ReplicaID: Int]
    ) {
        self.files = files
        self.logicalBytes = logicalBytes
        self.uniqueBytes = uniqueBytes
        self.storedBytes = storedBytes
        self.underReplicated = underReplicated
        self.chunks = chunks
    }
}
