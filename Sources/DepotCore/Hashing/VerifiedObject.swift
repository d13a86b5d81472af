import NIOCore

/// What a replica holds: a chunk of content, or a record. Both are named by the SHA-256 of their
/// bytes.
public struct ObjectID: Sendable, Hashable, Comparable, Codable {
    public enum Kind: UInt8, Sendable, Codable, Comparable, CaseIterable {
        case chunk = 0
        case record = 1

        public static func < (left: Kind, right: Kind) -> Bool { left.rawValue < right.rawValue }

        /// In JSON it is a word: people read that, too.
        private var word: String { self == .chunk ? "chunk" : "record" }

        public init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            let word = try container.decode(String.self)
            guard let kind = [Kind.chunk, .record].first(where: { $0.word == word }) else {
                throw DecodingError.dataCorruptedError(
                    in: container, debugDescription: "'\(word)' is neither chunk nor record")
            }
            self = kind
        }

        public func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            try container.encode(word)
        }
    }

    public let kind: Kind
    public let hash: ChunkID

    public init(kind: Kind, hash: ChunkID) {
        self.kind = kind
        self.hash = hash
    }

    public static func chunk(_ id: ChunkID) -> ObjectID { ObjectID(kind: .chunk, hash: id) }
    public static func record(_ id: ChunkID) -> ObjectID { ObjectID(kind: .record, hash: id) }

    public static func < (left: ObjectID, right: ObjectID) -> Bool {
        (left.kind, left.hash) < (right.kind, right.hash)
    }
}

/// Bytes that were hashed and found to be what their name says.
///
/// The only ways to make one are `ObjectVerifier` and `init(hashing:)`, and a store takes nothing
/// else: bytes that were not verified cannot be written down.
public struct VerifiedObject: Sendable {
    public let id: ObjectID
    /// Its bytes, in order; together 1 byte to `Limits.chunkSizeMax`.
    public let parts: [ByteBuffer]
    public let length: Int

    fileprivate init(id: ObjectID, parts: [ByteBuffer], length: Int) {
        assert(parts.total(\.readableBytes) == length, "the parts are not as long as the object")
        self.id = id
        self.parts = parts
        self.length = length
    }

    /// Names the bytes by their own hash.
    public init(hashing bytes: ByteBuffer, kind: ObjectID.Kind = .chunk) {
        precondition(bytes.readableBytes > 0, "an object has at least one byte")
        self.init(
            id: ObjectID(kind: kind, hash: ChunkID(hashing: bytes)), parts: [bytes],
            length: bytes.readableBytes)
    }

    /// Its bytes in one buffer; copied only where they came in several.
    public var contiguous: ByteBuffer {
        guard parts.count > 1 else { return parts.first ?? ByteBuffer() }
        var whole = ByteBuffer()
        whole.reserveCapacity(length)
        for part in parts { whole.writeImmutableBuffer(part) }
        assert(whole.readableBytes == length, "a part is missing")
        return whole
    }
}

/// Hashes one object while its bytes arrive.
public struct ObjectVerifier: ~Copyable {
    public let id: ObjectID
    public let length: Int
    private var digest: SHA256Digest
    private var parts: [ByteBuffer] = []
    private var received = 0

    /// - Throws: `invalidArgument` for a length that no object has.
    public init(expecting id: ObjectID, length: Int) throws(DepotError) {
        guard (1...Limits.chunkSizeMax).contains(length) else {
            throw DepotError(
                .invalidArgument,
                "an object has 1 to \(Limits.chunkSizeMax) bytes, \(length) were declared",
                object: id.hash.hex)
        }
        self.id = id
        self.length = length
        digest = SHA256Digest()
    }

    /// How many bytes are still to come.
    public var missing: Int { length - received }

    /// - Precondition: no more than `missing` bytes.
    public mutating func append(_ part: ByteBuffer) {
        precondition(part.readableBytes <= missing, "more bytes than declared")
        digest.update(part)
        parts.append(part)
        received += part.readableBytes
        assert((0...length).contains(missing), "a negative number of bytes is missing")
    }

    /// - Throws: `hashMismatch` where the bytes are not those that the id names, or some are
    ///   missing.
    public consuming func finish() throws(DepotError) -> VerifiedObject {
        let found = digest.finish()
        guard missing == 0, found == id.hash else {
            throw DepotError(
                .hashMismatch,
                "expected \(length) bytes with this SHA-256, received \(received) bytes "
                    + "with SHA-256 \(found.hex); nothing was stored, send it again",
                object: id.hash.hex)
        }
        return VerifiedObject(id: id, parts: parts, length: length)
    }
}
