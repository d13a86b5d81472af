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

    private static let epochDigits = 8
    private static let counterDigits = 16

    /// Takes exactly 8 digits, a hyphen and 16 digits, within the bounds.
    public init?(_ text: some StringProtocol) { self.init(utf8: text.utf8) }

    /// The same, as bytes.
    init?(utf8 text: some Collection<UInt8>) {
        let (front, back) = (text.prefix(Self.epochDigits), text.dropFirst(Self.epochDigits))
        guard text.count == Self.epochDigits + 1 + Self.counterDigits,
            back.first == UInt8(ascii: "-"),
            let epoch = DecimalDigits.value(front).flatMap(UInt32.init(exactly:)),
            let counter = DecimalDigits.value(back.dropFirst())
        else { return nil }
        self.init(exactlyEpoch: epoch, counter: counter)
    }

    public var description: String {
        let count = Self.epochDigits + 1 + Self.counterDigits
        return String(unsafeUninitializedCapacity: count) { digits in
            DecimalDigits.write(UInt64(epoch), to: digits[..<Self.epochDigits])
            digits[Self.epochDigits] = UInt8(ascii: "-")
            DecimalDigits.write(counter, to: digits[Self.epochDigits + 1..<count])
            return count
        }
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
