import NIOCore

/// The name of a chunk: the SHA-256 of its bytes.
///
/// Held as four big-endian words, so that comparing and hashing ids costs no allocation.
/// Its order is the order of its 32 bytes.
public struct ChunkID: Sendable, Hashable, Comparable {
    public static let byteCount = 32

    let words: (UInt64, UInt64, UInt64, UInt64)

    init(words: (UInt64, UInt64, UInt64, UInt64)) {
        self.words = words
    }

    /// Takes exactly 32 bytes; `nil` for any other number of them.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        var words: [UInt64] = [0, 0, 0, 0]
        for (index, byte) in bytes.enumerated() {
            words[index / 8] = words[index / 8] << 8 | UInt64(byte)
        }
        self.words = (words[0], words[1], words[2], words[3])
    }

    /// Takes exactly 64 lowercase hexadecimal digits: the one spelling that manifests and archives use.
    public init?(hex: some StringProtocol) {
        let digits = hex.utf8
        guard digits.count == 2 * Self.byteCount else { return nil }
        var words: [UInt64] = [0, 0, 0, 0]
        for (index, digit) in digits.enumerated() {
            let value: UInt8
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = digit - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = digit - UInt8(ascii: "a") + 10
            default: return nil
            }
            words[index / 16] = words[index / 16] << 4 | UInt64(value)
        }
        self.words = (words[0], words[1], words[2], words[3])
    }

    /// Its 32 bytes.
    public var bytes: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: Self.byteCount) { buffer, count in
            withBytes { buffer.baseAddress?.update(from: $0, count: Self.byteCount) }
            count = Self.byteCount
        }
    }

    /// Its 64 lowercase hexadecimal digits.
    public var hex: String {
        String(unsafeUninitializedCapacity: 2 * Self.byteCount) { digits in
            for (index, byte) in bytes.enumerated() {
                digits[2 * index] = Self.digit(byte >> 4)
                digits[2 * index + 1] = Self.digit(byte & 15)
            }
            return 2 * Self.byteCount
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }

    private func withBytes<R>(_ body: (UnsafePointer<UInt8>) -> R) -> R {
        withUnsafeBytes(
            of: (
                words.0.bigEndian, words.1.bigEndian, words.2.bigEndian, words.3.bigEndian
            )
        ) { raw in
            raw.withMemoryRebound(to: UInt8.self) { bytes in
                guard let base = bytes.baseAddress else { preconditionFailure("four words") }
                return body(base)
            }
        }
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
}
