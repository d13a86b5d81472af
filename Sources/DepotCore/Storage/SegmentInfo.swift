/// One segment of one store: numbers are never used again, and a nonce tells it from that of
/// another disk.
public struct SegmentID: Sendable, Hashable, Codable {
    /// As many as the name of its file has digits for: a store that begins one each second has them
    /// for three years.
    public static let numberMax: UInt32 = 99_999_999
    /// What a log says that has come to the end of the numbers.
    public static let numberNext = numberMax + 1

    public let number: UInt32
    /// Any.
    public let nonce: UInt64

    public init(number: UInt32, nonce: UInt64) {
        self.number = number
        self.nonce = nonce
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        number = try values.decode(UInt32.self, forKey: .number)
        nonce = try values.decode(UInt64.self, forKey: .nonce)
        guard number <= Self.numberMax else {
            throw DecodingError.dataCorruptedError(
                forKey: .number, in: values,
                debugDescription: "a segment's number is \(Self.numberMax) at most, found \(number)"
            )
        }
    }
}

public struct SegmentInfo: Sendable, Hashable, Codable {
    public let id: SegmentID
    /// Of the file.
    @ByteCount public private(set) var bytes: UInt64
    /// Of its live copies, header and padding included: what a compaction would move.
    @ByteCount public private(set) var liveBytes: UInt64
    @Count public private(set) var liveCopies: Int
    public let isSealed: Bool

    public init(
        id: SegmentID, bytes: UInt64, liveBytes: UInt64, liveCopies: Int, isSealed: Bool
    ) {
        self.id = id
        self.bytes = bytes
        self.liveBytes = liveBytes
        self.liveCopies = liveCopies
        self.isSealed = isSealed
    }
}
