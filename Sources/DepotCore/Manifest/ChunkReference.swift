/// A chunk as a manifest names it: its id, and how many bytes it has (1 to `Limits.chunkSizeMax`).
public struct ChunkReference: Sendable, Hashable, Codable {
    public let id: ChunkID
    public let length: Int

    /// - Throws: `invalidArgument` for a length that no chunk has.
    public init(id: ChunkID, length: Int) throws(DepotError) {
        guard (1...Limits.chunkSizeMax).contains(length) else {
            throw DepotError(
                .invalidArgument,
                "a chunk has 1 to \(Limits.chunkSizeMax) bytes, \(length) were named",
                object: id.hex)
        }
        self.id = id
        self.length = length
    }

    public init(_ object: VerifiedObject) {
        id = object.id.hash
        length = object.length
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            id: values.decode(ChunkID.self, forKey: .id),
            length: values.decode(Int.self, forKey: .length))
    }
}
