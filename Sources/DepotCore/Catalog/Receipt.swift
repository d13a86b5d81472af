/// What a depositor is told, and may rely on: the file is durable on `copies` replicas.
public struct Receipt: Sendable, Hashable, Codable {
    public let deposit: DepositID
    public let name: FileName
    public let sequence: CommitSequence
    public let manifest: ChunkReference
    public let size: UInt64
    public let level: ReplicationLevel
    /// Durable copies of its least replicated chunk (manifest included) when it was committed.
    public let copies: Int
    /// Chunks of its content.
    public let chunks: Int
    /// Distinct content chunks and bytes that this deposit brought; the rest was there.
    public let newChunks: Int
    public let newBytes: UInt64
    public let sharedBytes: UInt64

    /// Fewer copies than the level asks for; repair raises them as soon as it can.
    public var degraded: Bool { copies < level.copies }

    public init(
        deposit: DepositID, name: FileName, sequence: CommitSequence, manifest: ChunkReference,
        size: UInt64, level: ReplicationLevel, copies: Int, chunks: Int, newChunks: Int,
        newBytes: UInt64, sharedBytes: UInt64
    ) {
        self.deposit = deposit
        self.name = name
        self.sequence = sequence
        self.manifest = manifest
        self.size = size
        self.level = level
        self.copies = copies
        self.chunks = chunks
        self.newChunks = newChunks
        self.newBytes = newBytes
        self.sharedBytes = sharedBytes
    }
}
