/// What a user notes about a file: 1 to 64 texts by name, without control characters, and at most
/// 2 KiB of both together, as S3 bounds them.
public struct Annotations: Sendable, Hashable {
    public static let sizeMax = 2 << 10
    public static let countMax = 64

    public let texts: [String: String]

    /// - Throws: `invalidArgument`.
    public init(_ texts: [String: String]) throws(DepotError) {
        let size = texts.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
        let isPlain = texts.allSatisfy {
            !$0.key.isEmpty && !($0.key + $0.value).unicodeScalars.contains(where: \.isControl)
        }
        guard (1...Self.countMax).contains(texts.count), size <= Self.sizeMax, isPlain else {
            throw DepotError(
                .invalidArgument,
                "annotations are 1 to \(Self.countMax) texts with names, without control characters "
                    + "and of \(Self.sizeMax) bytes at most; found \(texts.count) of \(size)")
        }
        self.texts = texts
    }
}

extension Annotations: Codable {
    public init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode([String: String].self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(texts)
    }
}
