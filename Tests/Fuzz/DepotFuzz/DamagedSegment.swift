import DepotCore
import NIOCore

@testable import DepotStore

// A mutation would never get past a header's checksums, nor would INDEX past its hash. So an input
// is a segment, and what is to be made right in it, as somebody would who forges one.
//
// | bytes | content |
// |---|---|
// | 1 | `Wish`, as bits |
// | 2 | how many bytes follow, the higher byte first |
// | so many | bytes of the segment, with zeros behind them to the end of their block |
//
// and so on: most of a header are zeros, and an input is to be short.

/// A segment's bytes, and what the replica's identity says of it.
struct DamagedSegment: Sendable {
    struct Wish: OptionSet {
        let rawValue: UInt8
        /// Headers have the place where they lie, and right checksums.
        static let soundHeaders = Wish(rawValue: 1)
        /// INDEX has the place where it begins, and the right hash.
        static let soundIndex = Wish(rawValue: 2)
        /// The identity names a later segment, so this one was durable to its end.
        static let durable = Wish(rawValue: 4)
        /// The identity names this one, with the nonce of the first header that has one.
        static let known = Wish(rawValue: 8)
        /// No zeros come behind the last bytes.
        static let torn = Wish(rawValue: 16)
        /// A store is opened on it, which takes so long that it is not done for each input.
        static let store = Wish(rawValue: 32)
    }

    private(set) var bytes: [UInt8] = []
    private(set) var newest: SegmentID?
    let isForStore: Bool

    init?(_ input: ByteBuffer) {
        var rest = input
        guard let wish = rest.readInteger(as: UInt8.self).map(Wish.init) else { return nil }
        isForStore = wish.contains(.store)
        while let count = rest.readInteger(as: UInt16.self) {
            bytes += rest.readBytes(length: min(Int(count), rest.readableBytes)) ?? []
            guard rest.readableBytes > 0 || !wish.contains(.torn) else { break }
            let zeros =
                count == 0 ? MemberHeader.size : MemberHeader.padded(bytes.count) - bytes.count
            bytes += [UInt8](repeating: 0, count: zeros)
        }
        if wish.contains(.soundIndex) { mendIndex() }
        if wish.contains(.soundHeaders) { mendHeaders() }
        if wish.contains(.durable) {
            newest = SegmentID(number: 2, nonce: 1)
        } else if wish.contains(.known) {
            newest = nonce.map { SegmentID(number: 1, nonce: $0) }
        }
    }

    // MARK: Making it right

    private enum Field {
        static let length = 124..<135
        static let checksum = 148..<154
        static let magic = 257..<262
        static let nonce = 265..<281
        static let crc = 281..<289
        static let place = 310..<322
    }

    /// Where headers lie, be they right or wrong.
    private var headers: [Int] {
        stride(from: 0, through: bytes.count - MemberHeader.size, by: MemberHeader.size).filter {
            text(Field.magic, of: $0) == "ustar"
        }
    }

    private func text(_ field: Range<Int>, of header: Int) -> String {
        String(
            decoding: bytes[header + field.lowerBound..<header + field.upperBound], as: UTF8.self)
    }

    private mutating func set(
        _ field: Range<Int>, of header: Int, to number: UInt64, radix: Int
    ) {
        let digits = MemberHeader.digits(number, field.count, radix: radix).utf8
        let start = header + field.lowerBound
        bytes.replaceSubrange(start..<start + field.count, with: digits.suffix(field.count))
    }

    private var nonce: UInt64? {
        for header in headers {
            if let nonce = UInt64(text(Field.nonce, of: header), radix: 16) { return nonce }
        }
        return nil
    }

    private mutating func mendHeaders() {
        for header in headers {
            let block = header..<header + MemberHeader.size
            set(Field.place, of: header, to: UInt64(header), radix: 16)
            set(Field.crc, of: header, to: 0, radix: 16)
            let sumField = header + Field.checksum.lowerBound
            bytes.replaceSubrange(sumField..<sumField + 8, with: "        ".utf8)
            let crc = bytes.withUnsafeBytes { CRC32C.checksum(.init(rebasing: $0[block])) }
            set(Field.crc, of: header, to: UInt64(crc), radix: 16)
            let sum = bytes[block].reduce(0) { $0 + UInt64($1) }
            set(Field.checksum, of: header, to: sum, radix: 8)
            bytes[sumField + 6] = 0
        }
    }

    /// Writes the last line of INDEX anew, and the end of the segment behind it.
    private mutating func mendIndex() {
        guard let header = headers.last, text(0..<6, of: header) == "INDEX\0" else { return }
        let content = bytes[(header + MemberHeader.size)...]
        let lines = content.prefix(
            content.lastIndex { $0 != 0 }.map { $0 - content.startIndex + 1 } ?? 0
        )
        .dropLast().reversed().drop { $0 != UInt8(ascii: "\n") }.reversed()
        let hash = Array(lines).withUnsafeBytes { ChunkID(hashing: $0) }
        let text = lines + Array("end \(header) \(hash)\n".utf8)
        set(Field.length, of: header, to: UInt64(text.count), radix: 8)
        bytes.replaceSubrange((header + MemberHeader.size)..., with: text)
        let end = MemberHeader.padded(bytes.count) + 2 * MemberHeader.size
        bytes += [UInt8](repeating: 0, count: end - bytes.count)
    }
}
