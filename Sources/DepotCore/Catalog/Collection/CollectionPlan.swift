/// How long unused chunks stay.
public struct CollectionGrace: Sendable, Hashable {
    /// Of chunks that files used, and of chunks that an inventory showed.
    public var unused: Duration
    /// Of chunks that a deposit brought before it ended without committing a file that uses them.
    /// Nobody was told that they are kept; the deposit, run again, finds them for so long.
    public var abandoned: Duration

    public init(unused: Duration, abandoned: Duration) {
        self.unused = unused
        self.abandoned = abandoned
    }

    /// The same time for all chunks.
    public init(_ grace: Duration) { self.init(unused: grace, abandoned: grace) }
}

/// What a collection would do.
public struct CollectionPlan: Sendable, Hashable, Codable {
    /// Chunks that nobody uses, and bytes of all their copies.
    @Count public var unusedChunks = 0
    @ByteCount public var unusedBytes: UInt64 = 0
    /// Of these, past the grace time: they would go now.
    @Count public var readyChunks = 0
    @ByteCount public var readyBytes: UInt64 = 0
    /// Copies that the ready ones have.
    @Count public var readyCopies = 0
    /// Manifests that nobody uses.
    @Count public var manifests = 0

    public init() {}
}
