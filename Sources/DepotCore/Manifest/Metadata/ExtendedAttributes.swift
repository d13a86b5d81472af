import FoundationEssentials

/// A file's extended attributes, with access control lists and capabilities among them: names of 1
/// to 255 bytes of UTF-8 without control characters, values of any bytes; 1 to 64 of them, and at
/// most 16 KiB of names and values. ext4 keeps 4 KiB.
public struct ExtendedAttributes: Sendable, Hashable {
    public static let nameSizeMax = 255
    public static let sizeMax = 16 << 10
    public static let countMax = 64

    public let values: [String: [UInt8]]

    /// - Throws: `invalidArgument`, saying which bound is exceeded.
    public init(_ values: [String: [UInt8]]) throws(DepotError) {
        guard (1...Self.countMax).contains(values.count),
            values.keys.allSatisfy({
                (1...Self.nameSizeMax).contains($0.utf8.count)
                    && !$0.unicodeScalars.contains(where: \.isControl)
            })
        else {
            throw DepotError(
                .invalidArgument,
                "a file has 1 to \(Self.countMax) extended attributes, each with a name of 1 to "
                    + "\(Self.nameSizeMax) bytes without control characters")
        }
        let size = values.reduce(0) { $0 + $1.key.utf8.count + $1.value.count }
        guard size <= Self.sizeMax else {
            throw DepotError(
                .invalidArgument,
                "extended attributes have \(Self.sizeMax) bytes at most, found \(size)")
        }
        self.values = values
    }

    /// In base 64, as records and bodies have them.
    package var encoded: [String: String] { values.mapValues { Data($0).base64EncodedString() } }

    /// - Throws: `invalidArgument`.
    package init(encoded: [String: String]) throws(DepotError) {
        var values: [String: [UInt8]] = [:]
        for (name, text) in encoded {
            guard text.utf8.count <= 2 * Self.sizeMax, let value = Data(base64Encoded: text) else {
                throw DepotError(
                    .invalidArgument, "the value of the attribute is not base 64", object: name)
            }
            values[name] = [UInt8](value)
        }
        try self.init(values)
    }
}

extension ExtendedAttributes: Codable {
    public init(from decoder: any Decoder) throws {
        try self.init(encoded: decoder.singleValueContainer().decode([String: String].self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(encoded)
    }
}
