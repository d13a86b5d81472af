/// A place in the order in which a catalog goes over its chunks; worth nothing to another catalog.
/// It stays, whatever becomes of the chunks.
public struct ChunkPlace: Sendable, Hashable {
    public let value: Int64

    public init(value: Int64) { self.value = value }
}

/// Some of the chunks that were asked for, and where to go on.
public struct CopyPage: Sendable, Hashable {
    /// May be empty though there are more.
    public let chunks: [ChunkReference]
    /// Behind what was gone over; `nil`: there is no more.
    public let next: ChunkPlace?

    public init(_ chunks: [ChunkReference], next: ChunkPlace? = nil) {
        self.chunks = chunks
        self.next = next
    }
}
