import NIOCore

/// Reads and writes the lines of manifests. Valid only inside the call that lends it the bytes.
struct ManifestText {
    /// 64 digits, a space, at most 7 digits (8 MiB), a line feed.
    static let lineLengthMax = 73

    private let bytes: UnsafeRawBufferPointer
    private var offset = 0
    private var line = 1

    /// Lends the text to `body`, which must take all of it.
    static func parse<R>(
        _ text: ByteBuffer, _ body: (inout ManifestText) throws(DepotError) -> R
    ) throws(DepotError) -> R {
        guard text.readableBytes <= Limits.manifestSizeMax else {
            throw DepotError(
                .manifestInvalid,
                "a manifest or a piece of one has at most \(Limits.manifestSizeMax) bytes, "
                    + "found \(text.readableBytes)")
        }
        let result = text.withUnsafeReadableBytes { bytes -> Result<R, DepotError> in
            var text = ManifestText(bytes: bytes)
            do throws(DepotError) {
                return .success(try body(&text))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    // MARK: Writing

    static func header(depth: Manifest.Depth, size: UInt64) -> String {
        "depot manifest 1\nsize \(size)\ndepth \(depth.rawValue)\n"
    }

    static func lineLength(_ entry: ChunkReference) -> Int {
        var digits = 1
        var rest = entry.length / 10
        while rest > 0 {
            digits += 1
            rest /= 10
        }
        assert(2 * ChunkID.byteCount + 2 + digits <= lineLengthMax, "a line is too long")
        return 2 * ChunkID.byteCount + 2 + digits
    }

    static func write(_ entry: ChunkReference, to text: inout ByteBuffer) {
        let start = text.writerIndex
        text.writeHex(entry.id)
        text.writeString(" \(entry.length)\n")
        assert(
            text.writerIndex - start == lineLength(entry),
            "pieces are cut by a length that their lines do not have")
    }

    // MARK: Reading

    private init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func takeHeader() throws(DepotError) -> (depth: Manifest.Depth, size: UInt64) {
        try take("depot manifest 1\n")
        try take("size ")
        let size = try takeNumber()
        guard ByteCount.range.contains(size) else {
            throw fault("a size of at most \(ByteCount.range.upperBound) bytes")
        }
        try take("\n")
        try take("depth ")
        let depth = try takeNumber()
        guard let depth = Manifest.Depth(rawValue: Int(clamping: depth)) else {
            throw fault("a depth of 0 or 1")
        }
        try take("\n")
        return (depth, size)
    }

    /// All lines up to the end of the text.
    mutating func takeEntries() throws(DepotError) -> [ChunkReference] {
        var entries: [ChunkReference] = []
        entries.reserveCapacity((bytes.count - offset) / Self.lineLengthMax + 1)
        while offset < bytes.count { entries.append(try takeEntry()) }
        assert(offset == bytes.count, "a line was read beyond the text")
        return entries
    }

    private mutating func takeEntry() throws(DepotError) -> ChunkReference {
        let digits = 2 * ChunkID.byteCount
        guard bytes.count - offset >= digits,
            let id = ChunkID(
                hexDigits: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + digits]))
        else { throw fault("64 lowercase hexadecimal digits") }
        offset += digits
        try take(" ")
        let length = try takeNumber()
        guard length >= 1, length <= UInt64(Limits.chunkSizeMax) else {
            throw fault("a length of 1 to \(Limits.chunkSizeMax) bytes")
        }
        try take("\n")
        return try ChunkReference(id: id, length: Int(length))
    }

    private mutating func take(_ literal: StaticString) throws(DepotError) {
        let count = literal.utf8CodeUnitCount
        let matches =
            bytes.count - offset >= count
            && (0..<count).allSatisfy { bytes[offset + $0] == literal.utf8Start[$0] }
        guard matches else {
            throw fault(literal.description == "\n" ? "the line's end" : "'\(literal)'")
        }
        offset += count
        assert(offset <= bytes.count, "a literal was read beyond the text")
        if literal.utf8Start[count - 1] == UInt8(ascii: "\n") { line += 1 }
    }

    /// Decimal digits without a leading zero.
    private mutating func takeNumber() throws(DepotError) -> UInt64 {
        let start = offset
        var number: UInt64 = 0
        while offset < bytes.count, let digit = Self.digit(bytes[offset]) {
            let (tens, overflow) = number.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tens.addingReportingOverflow(UInt64(digit))
            guard !overflow, !carry else { throw fault("a number below 2^64") }
            number = sum
            offset += 1
        }
        let isCanonical = offset - start == 1 || offset > start && bytes[start] != UInt8(ascii: "0")
        guard isCanonical else { throw fault("a decimal number without leading zeros") }
        return number
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        let value = byte &- UInt8(ascii: "0")
        return value < 10 ? value : nil
    }

    private func fault(_ expected: String) -> DepotError {
        DepotError(
            .manifestInvalid,
            "not a manifest: line \(line), byte \(offset): expected \(expected)")
    }
}
