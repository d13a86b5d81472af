/// What a file would lose with some replicas.
public struct FileLoss: Sendable, Hashable {
    public let name: FileName
    /// Distinct chunks of it without a good copy elsewhere: with any, the file could not be read.
    public let lostChunks: Int
    /// Distinct chunks with one.
    public let lastCopies: Int

    public init(name: FileName, lostChunks: Int, lastCopies: Int) {
        self.name = name
        self.lostChunks = lostChunks
        self.lastCopies = lastCopies
    }

    /// What a file would lose, and what it was before.
    package func joined(with other: FileLoss) -> FileLoss {
        FileLoss(
            name: name, lostChunks: lostChunks + other.lostChunks,
            lastCopies: lastCopies + other.lastCopies)
    }
}

/// What the depot would lose with some replicas.
public struct LossTotals: Sendable, Hashable, Codable {
    /// Copies to be made elsewhere, and their bytes.
    @Count public var copies = 0
    @ByteCount public var bytes: UInt64 = 0
    /// Chunks in use that have no good copy elsewhere.
    @Count public var lostChunks = 0

    public init() {}
}
