// A file of one chunk needs no manifest on replicas: its list is one line, which the chunk's id and
// length give. So its record names the chunk itself, and that of an empty file names nothing. The
// manifest's id can be computed, and stays what names the content for receipts and ETags, whichever
// way the file was deposited.

/// The manifest of a file as its record names it.
public struct ManifestReference: Sendable, Hashable {
    /// The manifest's text as a chunk. Its id names the file's content.
    public let text: ChunkReference
    /// Whether no replica keeps its text: the record says it all.
    public let isInline: Bool
    /// The only chunk of a file whose manifest is inline, unless the file is empty.
    public let chunk: ChunkReference?

    /// One that replicas keep.
    public init(stored text: ChunkReference) {
        self.init(text: text, isInline: false, chunk: nil)
    }

    private init(text: ChunkReference, isInline: Bool, chunk: ChunkReference?) {
        self.text = text
        self.isInline = isInline
        self.chunk = chunk
    }

    /// The inline one of an empty file.
    public static let empty = ManifestReference(
        text: ChunkReference(VerifiedObject(hashing: Manifest.empty.encoded)), isInline: true,
        chunk: nil)

    /// The inline one of a file that is this chunk.
    ///
    /// Cost: one hash of about 110 bytes.
    public init(inline chunk: ChunkReference) {
        self.init(
            text: ChunkReference(VerifiedObject(hashing: Manifest(of: chunk).encoded)),
            isInline: true, chunk: chunk)
    }

    /// What it lists, where it is inline.
    public var inlineManifest: Manifest? {
        guard isInline else { return nil }
        return chunk.map(Manifest.init(of:)) ?? .empty
    }

    public var id: ChunkID { text.id }
    public var length: Int { text.length }
}

extension Manifest {
    /// Of an empty file.
    public static let empty = Manifest(depth: .chunks, size: 0, entries: [])

    /// Of a file that is one chunk.
    public init(of chunk: ChunkReference) {
        self.init(depth: .chunks, size: UInt64(chunk.length), entries: [chunk])
    }
}

extension ManifestReference: Codable {
    private enum CodingKeys: String, CodingKey {
        case id
        case length
        case chunk
        case empty
    }

    /// - Throws: `manifestInvalid` where the manifest of the chunk, or of nothing, has another id or
    ///   length.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let named = try ChunkReference(from: decoder)
        if let chunk = try values.decodeIfPresent(ChunkReference.self, forKey: .chunk) {
            self.init(inline: chunk)
        } else if try values.decodeIfPresent(Bool.self, forKey: .empty) == true {
            self = .empty
        } else {
            self.init(stored: named)
        }
        guard text == named else {
            throw DepotError(
                .manifestInvalid,
                "the manifest of a file that is \(chunk.map { "chunk \($0.id)" } ?? "empty") has the "
                    + "id \(id) and \(length) bytes; others were named", object: named.id.hex)
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(id, forKey: .id)
        try values.encode(length, forKey: .length)
        try values.encodeIfPresent(chunk, forKey: .chunk)
        if isInline, chunk == nil { try values.encode(true, forKey: .empty) }
    }
}
