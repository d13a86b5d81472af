/// A number of bytes, 0 to 2^60 (an EiB, more than any cluster holds); as people write it: `512`,
/// `64KiB`, `1.5 GiB`, `2TB`.
@propertyWrapper
public struct ByteCount: BoundedNumber {
    public static let range: ClosedRange<UInt64> = 0...(1 << 60)
    public static let noun = "bytes"

    public private(set) var bytes: UInt64

    /// More than the most becomes the most.
    public init(_ bytes: UInt64) { self.bytes = Self.clamped(bytes) }

    public init(wrappedValue: UInt64) { self.init(wrappedValue) }

    public var wrappedValue: UInt64 {
        get { bytes }
        set { bytes = Self.clamped(newValue) }
    }

    private static let units: [(name: String, bytes: UInt64)] = [
        ("tib", 1 << 40), ("gib", 1 << 30), ("mib", 1 << 20), ("kib", 1 << 10),
        ("tb", 1_000_000_000_000), ("gb", 1_000_000_000), ("mb", 1_000_000), ("kb", 1_000),
        ("t", 1 << 40), ("g", 1 << 30), ("m", 1 << 20), ("k", 1 << 10), ("b", 1),
    ]

    /// Takes a decimal number of at most 2^60 bytes, with a fraction or without, and behind it an
    /// optional unit in any case; a lone K, M, G, T is binary. Fractions of a byte are rounded.
    public init?(parsing text: String) {
        let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let unit = text.dropFirst(number.count).drop { $0 == " " }.lowercased()
        let parts = number.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }),
            let size = unit.isEmpty ? 1 : Self.units.first(where: { $0.name == unit })?.bytes,
            let whole = UInt64(parts[0]),
            let fraction = parts.count == 1 ? 0 : Double("0." + parts[1])
        else { return nil }
        // In integers, so that no byte is lost above 2^53.
        let (bytes, overflow) = whole.multipliedReportingOverflow(by: size)
        let (sum, carry) = bytes.addingReportingOverflow(
            UInt64((fraction * Double(size)).rounded()))
        guard !overflow, !carry, Self.range.contains(sum) else { return nil }
        self.init(sum)
    }
}

extension ByteCount {
    /// In the largest binary unit that leaves at least 1, with one decimal: `1.5 GiB`.
    public var description: String {
        guard bytes >= 1 << 10 else { return "\(bytes) B" }
        let names = ["KiB", "MiB", "GiB", "TiB"]
        var unit = min((63 - bytes.leadingZeroBitCount) / 10, names.count)
        var tenths = Self.tenths(of: bytes, shift: 10 * unit)
        // What rounds up to 1024.0 is 1.0 of the next unit.
        if tenths == 10_240, unit < names.count {
            unit += 1
            tenths = 10
        }
        assert(tenths >= 10 && unit >= 1, "a smaller unit would do")
        return "\(tenths / 10).\(tenths % 10) \(names[unit - 1])"
    }

    private static func tenths(of bytes: UInt64, shift: Int) -> Int {
        Int((Double(bytes) / Double(1 << shift as UInt64) * 10).rounded())
    }
}
