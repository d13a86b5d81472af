public struct CompactionReport: Sendable, Hashable, Codable {
    @Count public private(set) var movedCopies: Int
    /// Counted as `SegmentInfo.liveBytes`.
    @ByteCount public private(set) var movedBytes: UInt64
    /// Bytes of the file that went; 0 where it stays.
    @ByteCount public private(set) var freedBytes: UInt64
    /// Live copies that were wrong and keep the segment where it is.
    public let pinnedBy: [ObjectID]

    public init(movedCopies: Int, movedBytes: UInt64, freedBytes: UInt64, pinnedBy: [ObjectID]) {
        self.movedCopies = movedCopies
        self.movedBytes = movedBytes
        self.freedBytes = freedBytes
        self.pinnedBy = pinnedBy
    }
}
