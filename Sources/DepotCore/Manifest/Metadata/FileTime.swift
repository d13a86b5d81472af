/// A point in time as file systems have them: seconds since 1970, of any year that a kernel takes,
/// and the nanoseconds behind them.
///
/// Its text is a decimal number with nine digits behind the point, as `date -d @…` and
/// `touch -d @…` take it: `1700000000.123456789`, `-0.500000000`.
public struct FileTime: Sendable, Hashable {
    private static let nanosecondsOfOneSecond: Int64 = 1_000_000_000

    /// Rounded down, before 1970, too.
    public let seconds: Int64
    /// What is behind the second: 0 to 999,999,999.
    public let nanosecondsOfSecond: Int64

    /// `nil` for nanoseconds that are no part of a second.
    public init?(seconds: Int64, nanoseconds: Int64) {
        guard (0..<Self.nanosecondsOfOneSecond).contains(nanoseconds) else { return nil }
        self.seconds = seconds
        nanosecondsOfSecond = nanoseconds
    }

    /// As records of format 1 have it, of the years 1677 to 2262.
    public init(nanoseconds: Int64) {
        (seconds, nanosecondsOfSecond) = Self.divide(nanoseconds)
    }

    /// Seconds, rounded down, and what is behind them.
    private static func divide<Number: FixedWidthInteger & SignedInteger>(
        _ whole: Number
    ) -> (seconds: Number, behind: Number) {
        let second = Number(nanosecondsOfOneSecond)
        let (quotient, remainder) = whole.quotientAndRemainder(dividingBy: second)
        return remainder < 0 ? (quotient - 1, remainder + second) : (quotient, remainder)
    }

    private var whole: Int128 {
        Int128(seconds) * Int128(Self.nanosecondsOfOneSecond) + Int128(nanosecondsOfSecond)
    }

    /// For a record of format 1; `nil` where it has no place there.
    package var nanoseconds: Int64? { Int64(exactly: whole) }
}

extension FileTime: Comparable {
    public static func < (left: Self, right: Self) -> Bool { left.whole < right.whole }
}

extension FileTime: CustomStringConvertible {
    private static let decimals = 9

    public var description: String {
        let (front, behind) = whole.magnitude.quotientAndRemainder(
            dividingBy: UInt128(Self.nanosecondsOfOneSecond))
        let decimals = String(unsafeUninitializedCapacity: Self.decimals) {
            DecimalDigits.write(UInt64(behind), to: $0[..<Self.decimals])
            return Self.decimals
        }
        return "\(whole < 0 ? "-" : "")\(UInt64(front)).\(decimals)"
    }

    /// Takes exactly what `description` gives.
    public init?(_ text: some StringProtocol) { self.init(utf8: text.utf8) }

    /// The same, as bytes.
    init?(utf8 text: some Collection<UInt8>) {
        let isNegative = text.first == UInt8(ascii: "-")
        let digits = isNegative ? text.dropFirst() : text[...]
        guard let point = digits.firstIndex(of: UInt8(ascii: ".")) else { return nil }
        let (front, back) = (digits[..<point], digits[point...].dropFirst())
        guard back.count == Self.decimals, let whole = DecimalDigits.value(front),
            let behind = DecimalDigits.value(back),
            // One number, one text.
            front.first != UInt8(ascii: "0") || front.count == 1,
            !isNegative || whole > 0 || behind > 0
        else { return nil }
        let magnitude = Int128(whole) * Int128(Self.nanosecondsOfOneSecond) + Int128(behind)
        let (seconds, nanoseconds) = Self.divide(isNegative ? -magnitude : magnitude)
        guard let seconds = Int64(exactly: seconds) else { return nil }
        self.init(seconds: seconds, nanoseconds: Int64(nanoseconds))
    }
}

extension FileTime: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let time = FileTime(text) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "expected seconds since 1970 with nine decimals, found '\(text)'")
        }
        self = time
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
