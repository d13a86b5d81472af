/// The small text that binds a file name to a manifest, a level and a sequence number: one for each
/// commit, kept on replicas, so that a catalog can be made again from them.
public struct FileRecord: Sendable, Hashable {
    public enum Content: Sendable, Hashable {
        case file(
            level: ReplicationLevel, manifest: ChunkReference, size: UInt64, metadata: FileMetadata)
        /// A tombstone: the name was deleted.
        case deleted(level: ReplicationLevel)
    }

    public let cluster: ClusterID
    public let name: FileName
    public let sequence: CommitSequence
    /// Seconds since 1970 at the commit. For people: nothing is decided by it.
    public let time: Int64
    public let content: Content

    public init(
        cluster: ClusterID, name: FileName, sequence: CommitSequence, time: Int64, content: Content
    ) {
        self.cluster = cluster
        self.name = name
        self.sequence = sequence
        self.time = time
        self.content = content
    }
}
