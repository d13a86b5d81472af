/// How long chunks are. All clients of a cluster should use the same, or they share nothing.
public struct ChunkerParameters: Sendable, Hashable, Codable {
    /// No chunk is shorter, unless it is a file's last one.
    public let sizeMin: Int
    /// About the length of most chunks; a power of two.
    public let sizeAverage: Int
    public let sizeMax: Int

    /// 128 KiB, 512 KiB, 2 MiB. Measured against averages of 1 MiB and 256 KiB: an edit costs half
    /// of what it does at 1 MiB, ten edited versions of a tar a quarter less, and time a byte is
    /// the same to within what can be measured. At 256 KiB both halve again, but reading costs a
    /// tenth more, and all that grows with the number of chunks (the catalog, starting, comparing
    /// inventories) twice as much.
    public static let `default` = ChunkerParameters(
        unchecked: (sizeMin: 128 << 10, sizeAverage: 512 << 10, sizeMax: 2 << 20))

    /// The averages that have masks on both sides of them.
    static let averages = 256...(4 << 20)

    private init(unchecked sizes: (sizeMin: Int, sizeAverage: Int, sizeMax: Int)) {
        (sizeMin, sizeAverage, sizeMax) = sizes
    }

    /// - Throws: `invalidArgument` unless 64 ≤ `sizeMin` < `sizeAverage` < `sizeMax` ≤
    ///   `Limits.chunkSizeMax`, all even, the average a power of two from 256 bytes to 4 MiB.
    public init(sizeMin: Int, sizeAverage: Int, sizeMax: Int) throws(DepotError) {
        guard sizeMin >= 64, sizeMin < sizeAverage, sizeAverage < sizeMax,
            sizeMax <= Limits.chunkSizeMax, sizeMin % 2 == 0, sizeMax % 2 == 0,
            Self.averages.contains(sizeAverage), sizeAverage & (sizeAverage - 1) == 0
        else {
            throw DepotError(
                .invalidArgument,
                "chunk sizes must be even, 64 ≤ minimum < average < maximum ≤ "
                    + "\(Limits.chunkSizeMax), the average a power of two from "
                    + "\(Self.averages.lowerBound) to \(Self.averages.upperBound); found "
                    + "\(sizeMin), \(sizeAverage), \(sizeMax)")
        }
        self.init(unchecked: (sizeMin, sizeAverage, sizeMax))
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            sizeMin: values.decode(Int.self, forKey: .sizeMin),
            sizeAverage: values.decode(Int.self, forKey: .sizeAverage),
            sizeMax: values.decode(Int.self, forKey: .sizeMax))
    }
}
