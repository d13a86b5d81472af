/// Where a sparse file has no blocks: ranges of bytes that read as zeros, in order, with something
/// between them. Its text is `4096-8192,12288-16384`.
public struct Holes: Sendable, Hashable {
    /// More are not worth their place in a record: the shortest are filled.
    public static let countMax = 256

    public let ranges: [Range<UInt64>]

    /// - Throws: `invalidArgument` where there is none, or they are too many, out of order, or
    ///   longer than a file may be.
    public init(_ ranges: [Range<UInt64>]) throws(DepotError) {
        var end: UInt64?
        for range in ranges {
            guard !range.isEmpty, end.map({ $0 < range.lowerBound }) ?? true,
                ByteCount.range.contains(range.upperBound)
            else { throw Self.refusal }
            end = range.upperBound
        }
        guard (1...Self.countMax).contains(ranges.count) else { throw Self.refusal }
        self.ranges = ranges
    }

    private static var refusal: DepotError {
        DepotError(
            .invalidArgument,
            "holes are 1 to \(countMax) ranges in order, with data between them")
    }
}

extension Holes: CustomStringConvertible {
    public var description: String {
        ranges.map { "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: ",")
    }

    /// Takes exactly what `description` gives.
    ///
    /// - Throws: `invalidArgument` for anything else.
    public init(_ text: String) throws(DepotError) {
        var ranges: [Range<UInt64>] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false)
            guard ends.count == 2, let start = UInt64(ends[0]), let end = UInt64(ends[1]),
                start < end, ranges.count < Self.countMax
            else { throw Self.refusal }
            ranges.append(start..<end)
        }
        try self.init(ranges)
        guard description.equalsByBytes(text) else { throw Self.refusal }
    }
}

extension Holes: Codable {
    public init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
