import NIOCore

/// Makes a file's manifest from its chunks while they come.
///
/// Memory: the text of one piece, at most `Limits.manifestSizeMax`, and 40 bytes for each piece
/// before it.
public struct ManifestBuilder: Sendable {
    /// Bytes of the chunks that were appended.
    public private(set) var size: UInt64 = 0
    /// How many chunks were appended.
    public private(set) var chunkCount = 0

    /// The only chunk so far.
    private var only: ChunkReference?
    private var lines = ByteBuffer()
    private var pieces: [ChunkReference] = []

    /// More pieces than these make a depth-1 manifest too long; petabytes, with chunks of the usual
    /// length.
    private static let piecesMax = (Limits.manifestSizeMax - 64) / ManifestText.lineLengthMax

    public init() {}

    /// Takes the file's next chunk.
    ///
    /// - Returns: a finished piece, to be stored as a chunk, now and then in files of many chunks.
    ///   The manifest will name it.
    /// - Throws: `tooLarge` where a file has more chunks than manifests can list.
    public mutating func append(_ chunk: ChunkReference) throws(DepotError) -> VerifiedObject? {
        let piece = try makeRoom(for: ManifestText.lineLength(chunk))
        ManifestText.write(chunk, to: &lines)
        size += UInt64(chunk.length)
        chunkCount += 1
        only = chunkCount == 1 ? chunk : nil
        assert(lines.readableBytes <= Limits.manifestSizeMax, "a piece is too long to be stored")
        assert(size >= UInt64(chunkCount), "a chunk has at least one byte")
        return piece
    }

    private mutating func makeRoom(for length: Int) throws(DepotError) -> VerifiedObject? {
        guard lines.readableBytes + length > Limits.manifestSizeMax else { return nil }
        // The piece that follows must have a place in the list, too.
        guard pieces.count + 1 < Self.piecesMax else {
            throw DepotError(
                .tooLarge, "a file has more chunks than a manifest can list (\(chunkCount))")
        }
        return cutPiece()
    }

    private mutating func cutPiece() -> VerifiedObject {
        assert(lines.readableBytes > 0, "a piece of no lines")
        assert(pieces.count < Self.piecesMax, "a manifest would name too many pieces")
        let piece = VerifiedObject(hashing: lines)
        pieces.append(ChunkReference(piece))
        lines = ByteBuffer()
        return piece
    }

    /// The manifest of all chunks that were appended.
    public consuming func finish() -> FinishedManifest {
        if let only {
            return FinishedManifest(
                reference: ManifestReference(inline: only), objects: [], pieces: [], size: size,
                chunkCount: chunkCount)
        }
        if chunkCount == 0 {
            return FinishedManifest(
                reference: .empty, objects: [], pieces: [], size: 0, chunkCount: 0)
        }
        let header = ManifestText.header(depth: .chunks, size: size)
        let isFlat =
            pieces.isEmpty && header.utf8.count + lines.readableBytes <= Limits.manifestSizeMax
        return isFlat ? finishFlat(header) : finishDeep()
    }

    private consuming func finishFlat(_ header: String) -> FinishedManifest {
        var text = ByteBuffer()
        text.reserveCapacity(header.utf8.count + lines.readableBytes)
        text.writeString(header)
        text.writeImmutableBuffer(lines)
        assert(text.readableBytes <= Limits.manifestSizeMax, "a manifest is too long to be stored")
        let object = VerifiedObject(hashing: text)
        return FinishedManifest(
            reference: ManifestReference(stored: ChunkReference(object)), objects: [object],
            pieces: [], size: size, chunkCount: chunkCount)
    }

    private consuming func finishDeep() -> FinishedManifest {
        // Not empty: a piece is cut only to make room for a line, and no header fills a manifest
        // alone.
        let last = cutPiece()
        let text = Manifest(depth: .pieces, size: size, entries: pieces).encoded
        assert(text.readableBytes <= Limits.manifestSizeMax, "a manifest is too long to be stored")
        assert(pieces.last == ChunkReference(last), "the last piece is not named last")
        let object = VerifiedObject(hashing: text)
        return FinishedManifest(
            reference: ManifestReference(stored: ChunkReference(object)), objects: [last, object],
            pieces: pieces, size: size, chunkCount: chunkCount)
    }
}

/// What `ManifestBuilder` made.
public struct FinishedManifest: Sendable {
    /// The manifest as records name it: inline where the file is one chunk, or empty.
    public let reference: ManifestReference
    /// What is to be stored as chunks, like the pieces before: the last piece, at depth 1, and the
    /// manifest's text unless it is inline.
    public let objects: [VerifiedObject]
    /// All pieces, the last one included; none at depth 0.
    public let pieces: [ChunkReference]
    /// Bytes of the file.
    public let size: UInt64
    /// Chunks of the file's content.
    public let chunkCount: Int
}
