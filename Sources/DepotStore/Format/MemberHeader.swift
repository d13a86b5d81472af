import DepotCore
import Glibc

// A segment is a POSIX ustar archive, so that `tar` reads it. Fields that tar does not need carry
// what a scan needs:
//
// | field | bytes | content |
// |---|---|---|
// | uname | 0–15 | the segment's nonce, 16 hexadecimal digits |
// | uname | 16–23 | CRC-32C of the header, 8 digits (¹) |
// | gname | 0–11 | bytes of the segment that were durable when this was written, 12 digits |
// | gname | 12 | `.` |
// | gname | 13–24 | where in the segment this header lies, 12 digits |
//
// (¹) Computed with these digits as `0`, and the checksum field as spaces.
//
// A deposited file may be a tar file, or even a copy of a segment of this very replica. A scan
// takes a header for the segment's own only if its nonce, which is random and secret, its CRC and
// its own place in the segment are right.

/// The 512 bytes in front of each member.
struct MemberHeader: Equatable {
    static let size = 512

    let path: MemberPath
    let length: Int
    let nonce: UInt64
    /// Bytes of the segment that a sync had covered when this was written.
    let durable: UInt64
    /// Where this header lies.
    let offset: UInt64

    /// Where the next header lies: members are padded to whole blocks.
    var end: UInt64 { offset + UInt64(Self.size + Self.padded(length)) }

    static func padded(_ length: Int) -> Int {
        assert(length >= 0, "a member has no negative length")
        return (length + size - 1) / size * size
    }

    private enum Field {
        static let name = 0..<100
        static let length = 124..<135
        static let checksum = 148..<156
        static let nonce = 265..<281
        static let crc = 281..<289
        static let durable = 297..<309
        static let place = 310..<322
        static let prefix = 345..<500
    }

    /// The bytes that all headers have in common. They are made once: a replica writes several
    /// headers for each small file.
    private static let template: [UInt8] = {
        var block = [UInt8](repeating: 0, count: size)
        func put(_ text: String, at offset: Int) {
            block.replaceSubrange(offset..<offset + text.utf8.count, with: text.utf8)
        }
        put("0000644", at: 100)
        put("0000000", at: 108)
        put("0000000", at: 116)
        // Tools warn of times at the beginning of time, and in the future.
        put("07346545000", at: 136)
        put("        ", at: Field.checksum.lowerBound)
        put("0", at: 156)
        put("ustar", at: 257)
        put("00", at: 263)
        put("00000000", at: Field.crc.lowerBound)
        put(".", at: Field.durable.upperBound)
        put("0000000", at: 329)
        put("0000000", at: 337)
        return block
    }()

    func encoded() -> [UInt8] {
        var block = Self.template
        block.withUnsafeMutableBytes { block in
            func put(_ number: UInt64, in field: Range<Int>, bits: Int) {
                var rest = number
                for behind in 1...field.count {
                    block[field.upperBound - behind] = Self.digit(rest & (1 << bits - 1))
                    rest >>= bits
                }
                assert(rest == 0, "\(number) has more digits than its field")
            }
            path.write(
                prefix: UnsafeMutableRawBufferPointer(rebasing: block[Field.prefix]),
                name: UnsafeMutableRawBufferPointer(rebasing: block[Field.name]))
            put(UInt64(length), in: Field.length, bits: 3)
            put(nonce, in: Field.nonce, bits: 4)
            put(durable, in: Field.durable, bits: 4)
            put(offset, in: Field.place, bits: 4)
            let crc = CRC32C.checksum(UnsafeRawBufferPointer(block))
            put(UInt64(crc), in: Field.crc, bits: 4)
            // Six digits, a zero byte and a space.
            let sum = block.reduce(0) { $0 + UInt64($1) }
            put(sum, in: Field.checksum.prefix(6), bits: 3)
            block[Field.checksum.lowerBound + 6] = 0
        }
        assert(block.count == Self.size, "a header is one block")
        return block
    }

    /// Takes exactly the bytes that `encoded` gives, in the segment and at the place that they
    /// name.
    ///
    /// - Parameter nonce: the segment's; `nil` for its first header, which tells it.
    init?(_ block: UnsafeRawBufferPointer, at offset: UInt64, nonce: UInt64?) {
        guard block.count >= Self.size else { return nil }
        func text(_ range: Range<Int>) -> String {
            String(decoding: block[range].prefix { $0 != 0 }, as: UTF8.self)
        }
        func number(_ range: Range<Int>, bits: Int) -> UInt64? {
            Self.number(block[range], bits: bits)
        }
        guard let itsNonce = number(Field.nonce, bits: 4), nonce == nil || nonce == itsNonce,
            number(Field.place, bits: 4) == offset,
            let durable = number(Field.durable, bits: 4),
            let length = number(Field.length, bits: 3),
            let path = MemberPath(prefix: text(Field.prefix), name: text(Field.name)),
            path.lengths.contains(Int(length))
        else { return nil }
        self.init(
            path: path, length: Int(length), nonce: itsNonce, durable: durable, offset: offset)
        guard let found = block.baseAddress, memcmp(encoded(), found, Self.size) == 0 else {
            return nil
        }
    }

    private static func digit(_ value: UInt64) -> UInt8 {
        UInt8(truncatingIfNeeded: value < 10 ? 48 + value : 87 + value)
    }

    /// - Parameter digits: no more than fit 64 bits.
    private static func number(
        _ digits: Slice<UnsafeRawBufferPointer>, bits: Int
    ) -> UInt64? {
        var number: UInt64 = 0
        for byte in digits {
            let value: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = byte - UInt8(ascii: "a") + 10
            default: return nil
            }
            number = number << UInt64(bits) | UInt64(value)
        }
        return number
    }

    init(path: MemberPath, length: Int, nonce: UInt64, durable: UInt64, offset: UInt64) {
        self.path = path
        self.length = length
        self.nonce = nonce
        self.durable = durable
        self.offset = offset
    }

    static func digits(_ number: UInt64, _ width: Int, radix: Int) -> String {
        let digits = String(number, radix: radix)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}
