import DepotCore

/// The end of the log: the segment that is appended to, or else the number of the next one.
struct LogTail<File: Sendable>: Sendable {
    private struct Open: Sendable {
        let file: File
        let nonce: UInt64
        /// Where it ends, and how much of it a sync has covered.
        var end: UInt64 = 0
        var synced: UInt64 = 0
    }

    /// Of the segment that is, or will be, appended to.
    private(set) var number: UInt32
    private var segment: Open?

    init(number: UInt32) { self.number = number }

    // MARK: Queries

    /// The segment that is open.
    var open: SegmentID? { segment.map { SegmentID(number: number, nonce: $0.nonce) } }
    /// The segment that is open and holds something.
    var begun: SegmentID? { end > 0 ? open : nil }
    var file: File? { segment?.file }
    /// Bytes that were appended to the open segment; 0 where none is open.
    var end: UInt64 { segment?.end ?? 0 }
    /// Where the log ends.
    var appended: LogMark { LogMark(segment: number, offset: end) }
    /// Up to where the log is durable.
    var durable: LogMark { LogMark(segment: number, offset: segment?.synced ?? 0) }

    // MARK: Changes

    /// Before: none is open, and the number is the next one.
    mutating func opened(_ file: File, as id: SegmentID) {
        precondition(segment == nil, "a segment is open already")
        assert(id.number == number && id.nonce != 0)
        segment = Open(file: file, nonce: id.nonce)
    }

    /// Before: one is open, and ends at `start`.
    mutating func appended(from start: UInt64, through end: UInt64) {
        assert(segment?.end == start, "a member begins where the one before it ends")
        assert(end > start)
        segment?.end = end
    }

    /// The mark is one that `appended` gave. Does nothing once its segment was left.
    mutating func synced(upTo mark: LogMark) {
        assert(mark <= appended, "a sync covered what was not appended")
        guard mark.segment == number, let synced = segment?.synced else { return }
        segment?.synced = max(synced, mark.offset)
    }

    /// Before: one is open. After: none is, and the next one has the next number.
    mutating func left() {
        precondition(segment != nil, "no segment is open")
        segment = nil
        number += 1
    }

    /// Before: none is open. After: the next one has the next number.
    mutating func skipped() {
        precondition(segment == nil, "a segment is open")
        number += 1
    }

    func checkInvariants() {
        assert((1...SegmentID.numberNext).contains(number), "no segment has this number")
        assert(segment?.nonce != 0, "0 is no nonce")
        assert(durable <= appended, "more is durable than was appended")
        assert(end % UInt64(MemberHeader.size) == 0, "a member ends within a block")
    }
}

/// A place in the log. Everything in front of a durable one is durable.
struct LogMark: Comparable {
    let segment: UInt32
    let offset: UInt64

    static func < (left: Self, right: Self) -> Bool {
        (left.segment, left.offset) < (right.segment, right.offset)
    }
}
