/// The name under which a file is deposited: 1 to 1,024 bytes of UTF-8 without a zero. What becomes
/// a path has a `PathName`.
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

    public init(_ name: PathName) { text = name.text }

    /// For what becomes a path.
    ///
    /// - Throws: `invalidArgument` for a text that is no path name, saying why.
    public init(path text: String) throws(DepotError) { self.init(try PathName(text)) }

    private static func fault(of text: String) -> String? {
        if text.isEmpty { return "it is empty" }
        if text.utf8.count > Limits.fileNameSizeMax {
            return "it has \(text.utf8.count) bytes, at most \(Limits.fileNameSizeMax) are allowed"
        }
        if text.utf8.contains(0) { return "it contains a zero" }
        return nil
    }

    /// Cut where it would fill the screen.
    static func beginning(of text: String) -> String {
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
