/// What a depositor is told, and may rely on: the file is durable on `copies` replicas.
public struct Receipt: Sendable, Hashable, Codable {
    /// How long the catalog keeps it after its deposit ended, in running time. A client that lost
    /// the answer asks again with the same deposit id: at once when it tries again by itself, days
    /// later when a person sees that a job broke off. A month outlasts holidays.
    public static let keptFor = Duration.seconds(30 * 86_400)

    public let deposit: DepositID
    public let name: FileName
    public let sequence: CommitSequence
    public let manifest: ManifestReference
    @ByteCount public private(set) var size: UInt64
    public let level: ReplicationLevel
    /// Copies of its least replicated chunk (manifest included) that were vouched for to this
    /// deposit and good when it was committed. Of a file without content, replicas that took its
    /// record before the receipt was given.
    @Count public private(set) var copies: Int
    /// Chunks of its content.
    @Count public private(set) var chunks: Int
    /// Distinct content chunks and bytes that this deposit brought: no good copy of them was known
    /// when the deposit first named them, or had them vouched for, and no file that it committed
    /// before uses them. The rest was there; `newBytes + sharedBytes` are the bytes of the distinct
    /// content chunks.
    @Count public private(set) var newChunks: Int
    @ByteCount public private(set) var newBytes: UInt64
    @ByteCount public private(set) var sharedBytes: UInt64

    /// Fewer copies than the level asks for; repair raises them as soon as it can.
    public var degraded: Bool { copies < level.copies }

    public init(
        deposit: DepositID, name: FileName, sequence: CommitSequence, manifest: ManifestReference,
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

    /// The same with fewer copies.
    public func lowered(to copies: Int) -> Receipt {
        Receipt(
            deposit: deposit, name: name, sequence: sequence, manifest: manifest, size: size,
            level: level, copies: copies, chunks: chunks, newChunks: newChunks, newBytes: newBytes,
            sharedBytes: sharedBytes)
    }
}
