import DepotCore

// A segment is a POSIX ustar archive, so that `tar` reads it. What tar has no use for carries what a scan needs:
//
// | field | bytes | content |
// |---|---|---|
// | uname | 0–15 | the segment's nonce, 16 hexadecimal digits |
// | uname | 16–23 | CRC-32C of the header, 8 digits; computed with these as `0` and the checksum field as spaces |
// | gname | 0–11 | how much of the segment was known durable when the header was written, 12 digits |
// | gname | 12 | `.` |
// | gname | 13–24 | where in the segment this header lies, 12 digits |
//
// A deposited file may be a tar file, or even a copy of a segment of this very replica. A scan takes a header for
// ours only with the nonce, which is random and known to nobody, the CRC, and its own place in it.

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

    static func padded(_ length: Int) -> Int { (length + size - 1) / size * size }

    private enum Field {
        static let name = 0..<100
        static let checksum = 148..<156
        static let uname = 265..<297
        static let gname = 297..<329
        static let prefix = 345..<500
        static let crc = 281..<289
    }

    func encoded() -> [UInt8] {
        var block = [UInt8](repeating: 0, count: Self.size)
        func put(_ text: String, at offset: Int) {
            for (index, byte) in text.utf8.enumerated() { block[offset + index] = byte }
        }
        put(path.name, at: Field.name.lowerBound)
        put("0000644", at: 100)
        put("0000000", at: 108)
        put("0000000", at: 116)
        put(Self.digits(UInt64(length), 11, radix: 8), at: 124)
        // Tools warn of times at the beginning of time, and in the future.
        put(Self.digits(1_000_000_000, 11, radix: 8), at: 136)
        put("        ", at: Field.checksum.lowerBound)
        put("0", at: 156)
        put("ustar", at: 257)
        put("00", at: 263)
        put(Self.digits(nonce, 16, radix: 16) + "00000000", at: Field.uname.lowerBound)
        put(
            Self.digits(durable, 12, radix: 16) + "." + Self.digits(offset, 12, radix: 16),
            at: Field.gname.lowerBound)
        put("0000000", at: 329)
        put("0000000", at: 337)
        put(path.prefix, at: Field.prefix.lowerBound)
        put(Self.digits(UInt64(CRC32C.checksum(block)), 8, radix: 16), at: Field.crc.lowerBound)
        let sum = block.reduce(0) { $0 + UInt64($1) }
        put(Self.digits(sum, 6, radix: 8) + "\0 ", at: Field.checksum.lowerBound)
        return block
    }

    /// Takes exactly what `encoded` gives, at the place and in the segment that it says.
    ///
    /// - Parameter nonce: the segment's; `nil` for its first header, which tells it.
    init?(_ block: UnsafeRawBufferPointer, at offset: UInt64, nonce: UInt64?) {
        guard block.count >= Self.size else { return nil }
        func text(_ range: Range<Int>) -> String {
            String(decoding: block[range].prefix { $0 != 0 }, as: UTF8.self)
        }
        let uname = text(Field.uname)
        let gname = text(Field.gname).split(separator: ".")
        guard uname.utf8.count == 24, let found = UInt64(uname.prefix(16), radix: 16),
            nonce == nil || nonce == found, gname.count == 2,
            let durable = UInt64(gname[0], radix: 16), UInt64(gname[1], radix: 16) == offset,
            let length = Int(text(124..<136), radix: 8),
            let path = MemberPath(prefix: text(Field.prefix), name: text(Field.name))
        else { return nil }
        self.init(path: path, length: length, nonce: found, durable: durable, offset: offset)
        guard encoded().elementsEqual(block.prefix(Self.size)) else { return nil }
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
