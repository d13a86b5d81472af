import NIOCore

/// The name of a chunk: the SHA-256 of its bytes.
///
/// Held as four big-endian words, so that comparing and hashing ids costs no allocation.
/// Its order is the order of its 32 bytes.
public struct ChunkID: Sendable, Hashable, Comparable {
    public static let byteCount = 32

    let words: (UInt64, UInt64, UInt64, UInt64)

    /// No id comes behind it.
    public static let last = ChunkID(words: (.max, .max, .max, .max))

    init(words: (UInt64, UInt64, UInt64, UInt64)) {
        self.words = words
    }

    /// Takes exactly 32 bytes; `nil` for any other number of them.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        var rest = bytes.makeIterator()
        func word() -> UInt64 {
            var word: UInt64 = 0
            for _ in 0..<8 { word = word << 8 | UInt64(rest.next() ?? 0) }
            return word
        }
        words = (word(), word(), word(), word())
    }

    /// Takes exactly 64 lowercase hexadecimal digits: the one spelling that manifests and archives
    /// use.
    public init?(hex: some StringProtocol) {
        self.init(hexDigits: hex.utf8)
    }

    /// The same, as ASCII bytes.
    public init?(hexDigits: some Collection<UInt8>) {
        let found = hexDigits.withContiguousStorageIfAvailable {
            ChunkID(hexDigits: UnsafeRawBufferPointer($0))
        }
        guard let id = found ?? Array(hexDigits).withUnsafeBytes({ ChunkID(hexDigits: $0) })
        else { return nil }
        self = id
    }

    /// The same, for lists of millions of ids.
    public init?(hexDigits: UnsafeRawBufferPointer) {
        guard hexDigits.count == 2 * Self.byteCount else { return nil }
        var isValid = true
        func word(_ number: Int) -> UInt64 {
            var word: UInt64 = 0
            for digit in hexDigits[16 * number..<16 * (number + 1)] {
                guard let value = HexDigit.value(of: digit) else {
                    isValid = false
                    break
                }
                word = word << 4 | UInt64(value)
            }
            return word
        }
        words = (word(0), word(1), word(2), word(3))
        guard isValid else { return nil }
    }

    /// The first 16 bytes, as numbers.
    package var leadingWords: (UInt64, UInt64) { (words.0, words.1) }

    /// Its 32 bytes.
    public var bytes: [UInt8] { withBytes { [UInt8]($0) } }

    /// Its 64 lowercase hexadecimal digits.
    public var hex: String {
        String(unsafeUninitializedCapacity: 2 * Self.byteCount) { digits in
            writeHex(to: UnsafeMutableRawBufferPointer(digits))
            return 2 * Self.byteCount
        }
    }

    /// Writes its 64 digits to memory that has room for them.
    ///
    /// - Precondition: at least 64 bytes.
    public func writeHex(to digits: UnsafeMutableRawBufferPointer) {
        assert(digits.count >= 2 * Self.byteCount, "the digits do not fit")
        withBytes { bytes in
            for (index, byte) in bytes.enumerated() {
                digits[2 * index] = HexDigit.digit(byte >> 4)
                digits[2 * index + 1] = HexDigit.digit(byte & 15)
            }
        }
    }

    /// Lends its 32 bytes, without a copy on the heap.
    public func withBytes<R, E: Error>(
        _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        let ordered = (
            words.0.bigEndian, words.1.bigEndian, words.2.bigEndian, words.3.bigEndian
        )
        return try withUnsafeBytes(of: ordered, body)
    }

    public static func == (left: ChunkID, right: ChunkID) -> Bool { left.words == right.words }
    public static func < (left: ChunkID, right: ChunkID) -> Bool { left.words < right.words }

    /// One word is enough: the bytes of a SHA-256 are as good as random.
    public func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
}

extension ChunkID: CustomStringConvertible, Codable {
    public var description: String { hex }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let id = ChunkID(hex: text) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "a chunk id is 64 lowercase hexadecimal digits, found '\(text)'")
        }
        self = id
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(hex)
    }
}

extension ByteBuffer {
    /// Takes 32 bytes off the front; `nil` where fewer are there.
    public mutating func readChunkID() -> ChunkID? {
        guard readableBytes >= ChunkID.byteCount,
            let words = readMultipleIntegers(as: (UInt64, UInt64, UInt64, UInt64).self)
        else { return nil }
        return ChunkID(words: words)
    }

    @discardableResult
    public mutating func writeChunkID(_ id: ChunkID) -> Int {
        writeMultipleIntegers(id.words.0, id.words.1, id.words.2, id.words.3)
    }

    /// Writes its 64 hexadecimal digits.
    @discardableResult
    public mutating func writeHex(_ id: ChunkID) -> Int {
        writeWithUnsafeMutableBytes(minimumWritableBytes: 2 * ChunkID.byteCount) { digits in
            id.writeHex(to: digits)
            return 2 * ChunkID.byteCount
        }
    }
}
