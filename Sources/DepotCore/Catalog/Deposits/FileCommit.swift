/// A file about to be committed. Its manifest was staged, or is inline.
public struct FileCommit: Sendable, Hashable {
    public let name: FileName
    public let manifest: ManifestReference
    @ByteCount public private(set) var size: UInt64
    public let metadata: FileMetadata
    /// Chunks of its content, for the receipt.
    public let chunks: Int
    public var expected = FileExpectation.anything
    /// Replicas that take its record now. A file without content has no other copies.
    public var reachable = Int.max

    public init(
        name: FileName, manifest: ManifestReference, size: UInt64, metadata: FileMetadata,
        chunks: Int
    ) {
        self.name = name
        self.manifest = manifest
        self.size = size
        self.metadata = metadata
        self.chunks = chunks
    }
}

/// What became of one file of a commit.
public enum CommitOutcome: Sendable, Hashable {
    /// The commit is in the catalog. The batch with its record is in the outbox; `nil` where the
    /// commit was made before, and the record is where it belongs, or was.
    case committed(Receipt, in: RecordBatch?)
    /// Nothing was changed: these chunks have fewer copies than required. Not all of them are named
    /// where they are very many.
    case lacking([ChunkReference])
    /// Nothing was changed: the name is not as it was expected to be.
    case overtaken
}
