/// A part of the chunks that a manifest uses.
public struct ManifestPage: Sendable, Hashable {
    public let manifest: ChunkReference
    /// Of the file's content.
    public let chunks: [ChunkReference]
    /// Of the manifest, where its depth is 1. Held as the content is, but not counted in receipts.
    public let pieces: [ChunkReference]
    /// Whether it is the manifest's last page.
    public let isLast: Bool

    public init(
        of manifest: ChunkReference, chunks: [ChunkReference], pieces: [ChunkReference] = [],
        isLast: Bool
    ) {
        self.manifest = manifest
        self.chunks = chunks
        self.pieces = pieces
        self.isLast = isLast
    }
}
