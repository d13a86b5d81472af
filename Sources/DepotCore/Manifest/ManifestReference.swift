// A file of one chunk needs no manifest on replicas: its list is one line, which the chunk's id and
// length give. So its record names the chunk itself. The manifest's id can be computed, and stays
// what names the content for receipts and ETags, whichever way the file was deposited.

/// The manifest of a file as its record names it.
public struct ManifestReference: Sendable, Hashable {
    /// The manifest's text as a chunk. Its id names the file's content.
    public let text: ChunkReference
    /// The file's only chunk, where the manifest is inline: no replica keeps its text. `nil` where
    /// replicas keep it as a chunk.
    public let chunk: ChunkReference?

    /// One that replicas keep.
    public init(stored text: ChunkReference) {
        self.text = text
        chunk = nil
    }

    /// The inline one of a file that is this chunk.
    ///
    /// Cost: one hash of about 110 bytes.
    public init(inline chunk: ChunkReference) {
        text = ChunkReference(VerifiedObject(hashing: Manifest(of: chunk).encoded))
        self.chunk = chunk
    }

    public var id: ChunkID { text.id }
    public var length: Int { text.length }
}

extension Manifest {
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
    }

    /// - Throws: `manifestInvalid` where the chunk's manifest has another id or length.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let named = try ChunkReference(from: decoder)
        guard let chunk = try values.decodeIfPresent(ChunkReference.self, forKey: .chunk) else {
            self.init(stored: named)
            return
        }
        self.init(inline: chunk)
        guard text == named else {
            throw DepotError(
                .manifestInvalid,
                "the manifest of a file that is chunk \(chunk.id) has the id \(id) and \(length) "
                    + "bytes; others were named", object: named.id.hex)
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(id, forKey: .id)
        try values.encode(length, forKey: .length)
        try values.encodeIfPresent(chunk, forKey: .chunk)
    }
}
