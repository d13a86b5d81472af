// A part of the disk is kept free: the reserve. On a disk that is full otherwise, the operations
// that free room need some themselves: a compaction writes the copies that it moves, and a deletion
// begins with a record, the tombstone. So both may use the reserve. Records may use no more than
// half of it, so that compactions keep the other half.

/// The kind of objects that are written into a segment.
enum SegmentPurpose: Equatable {
    case content
    /// Records and nothing else.
    case records
    case compaction

    /// Room of a segment for records. A record is small, and a segment for each would be a waste.
    private static let recordsRoom: UInt64 = 256 << 10

    /// Bytes that a segment for this may take where nothing but the reserve is left.
    ///
    /// - Parameters:
    ///   - need: bytes that are wanted. Little more is given, so that nothing else finds room
    ///     there.
    ///   - onDisk: free bytes on the disk.
    func room(for need: UInt64, onDisk: UInt64, reserve: UInt64) -> UInt64 {
        switch self {
        case .content: return 0
        case .records:
            let kept = reserve - reserve / 2
            return min(max(need, min(Self.recordsRoom, reserve / 8)), onDisk - min(onDisk, kept))
        case .compaction: return min(need, onDisk)
        }
    }

    /// Whether objects of this kind may be put into a segment that was opened for another.
    func fits(into opened: SegmentPurpose) -> Bool {
        switch (self, opened) {
        case (_, .content), (.compaction, _), (.records, _): true
        case (.content, .records), (.content, .compaction): false
        }
    }
}
