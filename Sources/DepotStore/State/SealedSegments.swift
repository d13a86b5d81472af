import DepotCore

/// The segments that are sealed, and those of them that the index has not merged yet, because it
/// could not.
struct SealedSegments {
    private var segments: [UInt32: SegmentIndex.Segment]
    /// Of their files.
    @ByteCount private(set) var bytes: UInt64
    /// In order of number. They are merged in this order, so that the last copy of an object wins.
    private(set) var unmerged: [SealedSegment] = []

    /// - Parameter merged: those that the index lists.
    init(_ merged: [SegmentIndex.Segment]) {
        segments = Dictionary(merged.map { ($0.number, $0) }) { $1 }
        bytes = segments.values.total(\.bytes)
    }

    // MARK: Queries

    var all: some Sequence<SegmentIndex.Segment> { segments.values }

    func segment(_ number: UInt32) -> SegmentIndex.Segment? { segments[number] }

    /// The segment, if it still is the one with that nonce.
    func segment(_ id: SegmentID) -> SegmentIndex.Segment? {
        segments[id.number].flatMap { $0.nonce == id.nonce ? $0 : nil }
    }

    func isUnmerged(_ number: UInt32) -> Bool {
        unmerged.contains { $0.segment.number == number }
    }

    // MARK: Changes

    /// Before: its number is higher than that of every other one.
    mutating func add(_ sealed: SealedSegment) {
        let segment = sealed.segment
        assert(segments[segment.number] == nil, "a segment was sealed twice")
        assert(unmerged.last.map { $0.segment.number < segment.number } ?? true)
        segments[segment.number] = segment
        bytes.increase(by: segment.bytes)
        unmerged.append(sealed)
    }

    /// Before: it is the oldest of those that are not merged.
    mutating func merged(_ number: UInt32) -> SealedSegment {
        precondition(unmerged.first?.segment.number == number, "another segment is to be merged")
        return unmerged.removeFirst()
    }

    /// Before: it is there, and merged.
    mutating func remove(_ number: UInt32) {
        assert(!isUnmerged(number), "the index would merge a segment that is gone")
        let removed = segments.removeValue(forKey: number)
        assert(removed != nil, "a segment went that was not there")
        // Added up anew: a sum of what a disk says may have ended at its bound.
        bytes = segments.values.total(\.bytes)
    }

    func checkInvariants(before number: UInt32) {
        assert(unmerged.allSatisfy { segments[$0.segment.number] == $0.segment })
        assert(
            zip(unmerged, unmerged.dropFirst()).allSatisfy {
                $0.segment.number < $1.segment.number
            },
            "segments would be merged in another order than they were written in")
        guard segments.count <= Memtable.countChecked else { return }
        assert(
            segments.keys.allSatisfy { $0 < number }, "a sealed segment lies behind the log's end")
        assert(bytes == ByteCount(segments.values.total(\.bytes)).bytes, "bytes do not add up")
    }
}

/// A segment whose ending is there, and what lies in it.
struct SealedSegment {
    let segment: SegmentIndex.Segment
    let members: [SegmentMember]
    /// Members that recovery found to be damaged. They are among `members`, too.
    let damaged: [SegmentMember]
}
