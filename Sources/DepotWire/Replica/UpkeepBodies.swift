import DepotCore

/// Asks a replica to read a part of a segment.
public struct ScrubBody: Sendable, Codable {
    public let segment: SegmentID
    @ByteCount public private(set) var offset: UInt64
    /// Bytes to read.
    @ByteCount public private(set) var budget: UInt64

    public init(segment: SegmentID, offset: UInt64, budget: UInt64) {
        self.segment = segment
        self.offset = offset
        self.budget = budget
    }

    /// A step takes seconds even on a slow disk.
    public static let budgetMax: UInt64 = 64 << 20
}
