/// What the depot holds in all.
public struct CatalogTotals: Sendable, Hashable {
    @Count public private(set) var files: Int
    /// The sizes of all files, added up.
    @ByteCount public private(set) var logicalBytes: UInt64
    /// Each chunk that a file uses, or used before, counted once.
    @ByteCount public private(set) var uniqueBytes: UInt64
    /// What names were before and is kept.
    @Count public private(set) var versions: Int
    /// Each chunk that nothing uses but what names were before, counted once.
    @ByteCount public private(set) var versionBytes: UInt64
    /// Running time until the next of them go, as policies are now; `nil` where none is to go.
    public let versionsLeft: Duration?
    /// Each good copy.
    @ByteCount public private(set) var storedBytes: UInt64
    /// Chunks that files use, with fewer good copies than the highest level of these files.
    public let underReplicated: Int
    /// Good copies by replica.
    public let chunks: [ReplicaID: Int]

    public init(
        files: Int, logicalBytes: UInt64, uniqueBytes: UInt64, versions: Int = 0,
        versionBytes: UInt64 = 0,
        versionsLeft: Duration? = nil, storedBytes: UInt64,
        underReplicated: Int, chunks: [ReplicaID: Int]
    ) {
        self.files = files
        self.logicalBytes = logicalBytes
        self.uniqueBytes = uniqueBytes
        self.versions = versions
        self.versionBytes = versionBytes
        self.versionsLeft = versionsLeft
        self.storedBytes = storedBytes
        self.underReplicated = underReplicated
        self.chunks = chunks
    }
}
