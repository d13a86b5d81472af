/// The name under which a file is deposited: a relative path that cannot leave its folder.
///
/// At most 1,024 bytes of UTF-8; parts divided by `/`; no part empty, `.` or `..`; no control
/// character.
public struct FileName: Sendable, Hashable, Comparable, CustomStringConvertible {
    public let text: String

    /// - Throws: `invalidArgument`, saying which of these rules the text breaks.
    public init(_ text: String) throws(DepotError) {
        if let reason = Self.fault(of: text) {
            throw DepotError(
                .invalidArgument, "not a file name: \(reason)", object: Self.beginning(of: text))
        }
        self.text = text
    }

    private static func fault(of text: String) -> String? {
        if text.isEmpty { return "it is empty" }
        if text.utf8.count > Limits.fileNameSizeMax {
            return "it has \(text.utf8.count) bytes, at most \(Limits.fileNameSizeMax) are allowed"
        }
        if text.utf8.first == UInt8(ascii: "/") { return "it is absolute; give a relative path" }
        var part = Part()
        // In front of U+0080 to U+00BF.
        let leadOfControls: UInt8 = 0xC2
        var before: UInt8 = 0
        for byte in text.utf8 {
            if byte < 0x20 || byte == 0x7F || before == leadOfControls && byte < 0xA0 {
                return "it contains a control character"
            }
            before = byte
            guard byte == UInt8(ascii: "/") else {
                part.add(byte)
                continue
            }
            if let fault = part.fault { return fault }
            part = Part()
        }
        return part.fault
    }

    /// What is between two slashes.
    private struct Part {
        private var length = 0
        private var dots = 0

        mutating func add(_ byte: UInt8) {
            length += 1
            if byte == UInt8(ascii: ".") { dots += 1 }
        }

        var fault: String? {
            if length == 0 { return "it has an empty part (//, or / at the end)" }
            return length == dots && dots <= 2 ? "'.' and '..' are not allowed in it" : nil
        }
    }

    /// Cut where it would fill the screen.
    private static func beginning(of text: String) -> String {
        let beginning = String(String.UnicodeScalarView(text.unicodeScalars.prefix(80)))
        return text.unicodeScalars.count > 80 ? beginning + "…" : beginning
    }

    /// Names are ordered, and are equal, by their bytes: `é` in two spellings is two names.
    public static func < (left: Self, right: Self) -> Bool {
        left.text.precedesByBytes(right.text)
    }

    public static func == (left: Self, right: Self) -> Bool {
        left.text.equalsByBytes(right.text)
    }

    public func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }

    public var description: String { text }

    /// What places its record, and names the record's folder in a segment.
    public var nameHash: ChunkID { ChunkID(hashing: text) }
}

extension Unicode.Scalar {
    /// The category Cc, which no version of Unicode will ever change.
    var isControl: Bool { value < 0x20 || (0x7f...0x9f).contains(value) }
}

extension FileName: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        do {
            self = try FileName(container.decode(String.self))
        } catch let error as DepotError {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: error.message)
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
