import DepotCore

public struct OpenDepositBody: Sendable, Codable {
    public let deposit: DepositID
    public let level: ReplicationLevel
    /// Refuse rather than acknowledge fewer copies than `level`.
    public let requireAll: Bool
    public let dedupeDomain: DedupeDomain

    public init(deposit: DepositID, level: ReplicationLevel, requireAll: Bool) {
        self.deposit = deposit
        self.level = level
        self.requireAll = requireAll
        dedupeDomain = .all
    }
}

/// Chunks are shared with everything in the same domain. There is one for all, so far: whoever asks
/// for another is refused, and not served from the one.
public enum DedupeDomain: String, Sendable, Codable {
    case all = "default"
}

public struct DepositBody: Sendable, Codable {
    public let deposit: DepositID
    /// The lease ends this long after the last request; any request of the deposit renews it.
    @Seconds public private(set) var leaseSeconds: Int
    /// Replicas that are reachable now: where they are fewer than the level, the deposit will be
    /// degraded.
    @Count public private(set) var reachableReplicas: Int
    /// Absent where an older FileServer answers.
    public let cluster: ClusterID?

    public init(
        deposit: DepositID, leaseSeconds: Int, reachableReplicas: Int, cluster: ClusterID?
    ) {
        self.cluster = cluster
        self.deposit = deposit
        self.leaseSeconds = leaseSeconds
        self.reachableReplicas = reachableReplicas
    }
}

public struct StoredBody: Sendable, Codable {
    /// Objects of the batch, all of them appended on enough replicas. Not yet durable: the barrier
    /// says that.
    @Count public private(set) var objects: Int

    public init(objects: Int) { self.objects = objects }
}

public struct CommitBody: Sendable, Codable {
    public typealias File = FileProposal

    /// At most `WireLimits.commitFilesMax`.
    public let files: [File]

    public init(files: [File]) { self.files = files }
}

public struct CommitAnswerBody: Sendable, Codable {
    public struct Result: Sendable, Codable {
        /// Exactly one of the three is there.
        public let receipt: ReceiptBody?
        /// Send these, pass the barrier, and commit again.
        public let lacking: [ChunkReference]?
        public let error: ErrorEnvelope.Body?

        public init(receipt: ReceiptBody) {
            self.receipt = receipt
            lacking = nil
            error = nil
        }

        public init(lacking: [ChunkReference]) {
            receipt = nil
            self.lacking = lacking
            error = nil
        }

        public init(error: DepotError) {
            receipt = nil
            lacking = nil
            self.error = ErrorEnvelope(error).error
        }
    }

    /// In the order of the request's files.
    public let results: [Result]

    public init(results: [Result]) { self.results = results }
}

/// A receipt with the fields that `deposit --json` prints.
public struct ReceiptBody: Sendable, Codable, Hashable {
    public let deposit: DepositID
    public let name: FileName
    public let sequence: CommitSequence
    public let manifest: ChunkID
    /// The file's only chunk, where no replica keeps the manifest.
    public let chunk: ChunkID?
    @ByteCount public private(set) var size: UInt64
    public let level: ReplicationLevel
    @Count public private(set) var copies: Int
    public let degraded: Bool
    @Count public private(set) var chunks: Int
    @Count public private(set) var newChunks: Int
    @ByteCount public private(set) var newBytes: UInt64
    @ByteCount public private(set) var sharedBytes: UInt64

    init(
        deposit: DepositID, name: FileName, sequence: CommitSequence, manifest: ChunkID,
        chunk: ChunkID?, size: ByteCount, level: ReplicationLevel, copies: Count, chunks: Count,
        newChunks: Count, newBytes: ByteCount, sharedBytes: ByteCount
    ) {
        self.deposit = deposit
        self.name = name
        self.sequence = sequence
        self.manifest = manifest
        self.chunk = chunk
        self.level = level
        degraded = copies.wrappedValue < level.copies
        _size = size
        _copies = copies
        _chunks = chunks
        _newChunks = newChunks
        _newBytes = newBytes
        _sharedBytes = sharedBytes
    }

    public init(_ receipt: Receipt) {
        self.init(
            deposit: receipt.deposit, name: receipt.name, sequence: receipt.sequence,
            manifest: receipt.manifest.id, chunk: receipt.manifest.chunk?.id,
            size: ByteCount(receipt.size), level: receipt.level,
            copies: Count(wrappedValue: receipt.copies),
            chunks: Count(wrappedValue: receipt.chunks),
            newChunks: Count(wrappedValue: receipt.newChunks),
            newBytes: ByteCount(receipt.newBytes), sharedBytes: ByteCount(receipt.sharedBytes))
    }
}
