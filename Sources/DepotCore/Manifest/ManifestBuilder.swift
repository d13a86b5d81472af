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
        return FinishedManifest(
            object: VerifiedObject(hashing: text), lastPiece: nil, pieces: [], size: size,
            chunkCount: chunkCount)
    }

    private consuming func finishDeep() -> FinishedManifest {
        // Not empty: a piece is cut only to make room for a line, and no header fills a manifest
        // alone.
        let last = cutPiece()
        let text = Manifest(depth: .pieces, size: size, entries: pieces).encoded
        assert(text.readableBytes <= Limits.manifestSizeMax, "a manifest is too long to be stored")
        assert(pieces.last == ChunkReference(last), "the last piece is not named last")
        return FinishedManifest(
            object: VerifiedObject(hashing: text), lastPiece: last, pieces: pieces, size: size,
            chunkCount: chunkCount)
    }
}

/// What `ManifestBuilder` made. Everything in it is to be stored as chunks, like the pieces before.
public struct FinishedManifest: Sendable {
    /// The manifest's text. Its id names the file's content.
    public let object: VerifiedObject
    /// The last piece, at depth 1.
    public let lastPiece: VerifiedObject?
    /// All pieces, the last one included; none at depth 0.
    public let pieces: [ChunkReference]
    /// Bytes of the file.
    public let size: UInt64
    /// Chunks of the file's content.
    public let chunkCount: Int

    public var reference: ChunkReference { ChunkReference(object) }
}
