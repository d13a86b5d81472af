/// A point in time as file systems have them: whole nanoseconds since 1970, of the years 1677 to
/// 2262.
public struct FileTime: Sendable, Hashable {
    private static let nanosecondsOfOneSecond: Int64 = 1_000_000_000

    public let nanoseconds: Int64

    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// `nil` for what does not fit. ext4 has times until 2446, and XFS until 2486.
    ///
    /// - Parameter nanoseconds: behind the second, 0 to 999,999,999.
    public init?(seconds: Int64, nanoseconds: Int64) {
        let whole = Int128(seconds) * Int128(Self.nanosecondsOfOneSecond) + Int128(nanoseconds)
        guard let whole = Int64(exactly: whole) else { return nil }
        self.nanoseconds = whole
    }

    /// Rounded down, before 1970, too.
    public var seconds: Int64 {
        let (quotient, remainder) = nanoseconds.quotientAndRemainder(
            dividingBy: Self.nanosecondsOfOneSecond)
        return remainder < 0 ? quotient - 1 : quotient
    }

    /// What is behind the second: 0 to 999,999,999.
    public var nanosecondsOfSecond: Int64 {
        let remainder = nanoseconds % Self.nanosecondsOfOneSecond
        let behind = remainder < 0 ? remainder + Self.nanosecondsOfOneSecond : remainder
        assert(
            (0..<Self.nanosecondsOfOneSecond).contains(behind),
            "more than a second, or less than none")
        return behind
    }
}

extension FileTime: Codable {
    public init(from decoder: any Decoder) throws {
        nanoseconds = try decoder.singleValueContainer().decode(Int64.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(nanoseconds)
    }
}
