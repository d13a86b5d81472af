/// The place of a commit in the order of all commits of a cluster.
///
/// A rebuilt catalog starts a higher epoch, so that what it commits comes after everything that the lost
/// one committed, whatever its counter was. Text: `00000001-0000000000000005`, which sorts as the value does.
public struct CommitSequence: Sendable, Hashable, Comparable, CustomStringConvertible {
    public static let epochMax: UInt32 = 99_999_999
    public static let counterMax: UInt64 = 9_999_999_999_999_999

    public let epoch: UInt32
    public let counter: UInt64

    public init(epoch: UInt32, counter: UInt64) {
        precondition(epoch <= Self.epochMax && counter <= Self.counterMax)
        self.epoch = epoch
        self.counter = counter
    }

    /// Takes exactly 8 digits, a hyphen and 16 digits.
    public init?(_ text: some StringProtocol) {
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].count == 8, parts[1].count == 16,
            parts.allSatisfy({
                $0.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            }),
            let epoch = UInt32(String(decoding: parts[0], as: UTF8.self)),
            let counter = UInt64(String(decoding: parts[1], as: UTF8.self))
        else { return nil }
        self.init(epoch: epoch, counter: counter)
    }

    public var description: String {
        "\(Self.padded(UInt64(epoch), to: 8))-\(Self.padded(counter, to: 16))"
    }

    private static func padded(_ number: UInt64, to width: Int) -> String {
        let digits = String(number)
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
