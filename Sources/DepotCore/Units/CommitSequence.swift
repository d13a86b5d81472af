/// The place of a commit in the order of all commits of a cluster.
///
/// A rebuilt catalog starts a higher epoch, so that what it commits comes after everything that the
/// lost one committed, whatever its counter was. Text: `00000001-0000000000000005`, which sorts as
/// the value does.
public struct CommitSequence: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// A rebuild a day for 27,000 years. Far below what eight digits can say: no single disk or
    /// replica can bring a cluster to an epoch behind which there is none.
    public static let epochMax: UInt32 = 9_999_999
    /// A thousand commits a second for 31,000 years; likewise for sixteen digits.
    public static let counterMax: UInt64 = 999_999_999_999_999
    /// The counters of a start begin so far behind the last one that its catalog has given. A
    /// FileServer gives fewer before it stops because no majority learns of any. A start a second
    /// for 30 years.
    public static let leap: UInt64 = 1_000_000
    /// Before all that was ever given.
    public static let first = CommitSequence(epoch: 0, counter: 0)

    public let epoch: UInt32
    public let counter: UInt64

    /// - Precondition: both are within their bounds. For numbers that were counted here;
    ///   `init(exactlyEpoch:counter:)` is for those that somebody else says.
    public init(epoch: UInt32, counter: UInt64) {
        precondition(
            epoch <= Self.epochMax && counter <= Self.counterMax,
            "no cluster comes to \(epoch)-\(counter)")
        self.epoch = epoch
        self.counter = counter
    }

    /// `nil` where one of them is beyond its bound.
    public init?(exactlyEpoch epoch: UInt32, counter: UInt64) {
        guard epoch <= Self.epochMax, counter <= Self.counterMax else { return nil }
        self.init(epoch: epoch, counter: counter)
    }

    /// Takes exactly 8 digits, a hyphen and 16 digits, within the bounds.
    public init?(_ text: some StringProtocol) {
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].count == 8, parts[1].count == 16,
            parts.allSatisfy({
                $0.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            }),
            let epoch = UInt32(String(decoding: parts[0], as: UTF8.self)),
            let counter = UInt64(String(decoding: parts[1], as: UTF8.self))
        else { return nil }
        self.init(exactlyEpoch: epoch, counter: counter)
    }

    public var description: String {
        "\(Self.padded(UInt64(epoch), to: 8))-\(Self.padded(counter, to: 16))"
    }

    private static func padded(_ number: UInt64, to width: Int) -> String {
        let digits = String(number)
        assert(digits.count <= width, "text would not sort as its value does")
        return String(repeating: "0", count: width - digits.count) + digits
    }

    public static func < (left: Self, right: Self) -> Bool {
        (left.epoch, left.counter) < (right.epoch, right.counter)
    }
}

extension CommitSequence: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let sequence = CommitSequence(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "not a commit sequence: '\(text)'")
        }
        self = sequence
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
