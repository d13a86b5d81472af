/// A number of bytes, as people write it: `512`, `64KiB`, `1.5 GiB`, `2TB`.
public struct ByteCount: Sendable, Hashable, Comparable, Codable {
    public let bytes: UInt64

    public init(_ bytes: UInt64) { self.bytes = bytes }

    private static let units: [(name: String, bytes: Double)] = [
        ("TiB", 1_099_511_627_776), ("GiB", 1_073_741_824), ("MiB", 1_048_576), ("KiB", 1_024),
        ("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("KB", 1e3),
        ("T", 1_099_511_627_776), ("G", 1_073_741_824), ("M", 1_048_576), ("K", 1_024), ("B", 1),
    ]

    /// Takes a number and, behind it, an optional unit in any case; a lone K, M, G, T is binary.
    public init?(parsing text: String) {
        let text = text.filter { $0 != " " }.lowercased()
        let unit = Self.units.first { text.hasSuffix($0.name.lowercased()) }
        let digits = text.dropLast(unit?.name.count ?? 0)
        guard digits.first?.isNumber == true, let number = Double(digits) else { return nil }
        let bytes = (number * (unit?.bytes ?? 1)).rounded()
        guard bytes < 0x1p63 else { return nil }
        self.init(UInt64(bytes))
    }

    public static func < (left: Self, right: Self) -> Bool { left.bytes < right.bytes }

    public init(from decoder: any Decoder) throws {
        bytes = try decoder.singleValueContainer().decode(UInt64.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(bytes)
    }
}

extension ByteCount: CustomStringConvertible {
    /// In the largest binary unit that leaves at least 1, with one decimal: `1.5 GiB`.
    public var description: String {
        guard let unit = Self.units.prefix(4).first(where: { Double(bytes) >= $0.bytes }) else {
            return "\(bytes) B"
        }
        let tenths = Int((Double(bytes) / unit.bytes * 10).rounded())
        return "\(tenths / 10).\(tenths % 10) \(unit.name)"
    }
}
