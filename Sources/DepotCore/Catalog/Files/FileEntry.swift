/// A live file.
public struct FileEntry: Sendable, Hashable {
    public let name: FileName
    public let sequence: CommitSequence
    public let manifest: ManifestReference
    @ByteCount public private(set) var size: UInt64
    public let level: ReplicationLevel
    public let metadata: FileMetadata
    /// Seconds since 1970 when it was committed.
    public let time: Int64
    /// Of its content, as far as this word says.
    public let lock: ContentLock?

    public init(
        name: FileName, sequence: CommitSequence, manifest: ManifestReference, size: UInt64,
        level: ReplicationLevel, metadata: FileMetadata, time: Int64, lock: ContentLock? = nil
    ) {
        self.name = name
        self.sequence = sequence
        self.manifest = manifest
        self.size = size
        self.level = level
        self.metadata = metadata
        self.time = time
        self.lock = lock
    }

    /// The same with another lock.
    public func locked(by lock: ContentLock?) -> FileEntry {
        FileEntry(
            name: name, sequence: sequence, manifest: manifest, size: size, level: level,
            metadata: metadata, time: time, lock: lock)
    }
}

/// Some files, in order of name.
public struct FilePage: Sendable, Hashable {
    /// A page of so many entries takes as many times this memory: a long name fits, and attributes
    /// of many KiB make the page shorter.
    public static let entrySize = 2 << 10

    public let files: [FileEntry]
    /// Whether others may come behind the last of them.
    public let hasMore: Bool
    /// The last name that was looked at, where many were and few are listed: others come behind it.
    public let next: FileName?

    public init(files: [FileEntry], hasMore: Bool, next: FileName? = nil) {
        self.files = files
        self.hasMore = hasMore
        self.next = next
    }
}

/// Assumes that a file had this level.
public struct LevelAssumption: Sendable, Hashable {
    public let name: FileName
    public let level: ReplicationLevel

    public init(name: FileName, level: ReplicationLevel) {
        self.name = name
        self.level = level
    }
}
