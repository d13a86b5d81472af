/// What keeps a place that holds chunks sound: reading everything back, and giving space back. Segments are what its
/// log consists of; a place that has none shows all it holds as one.
///
/// Nothing here changes what is held: a scrub remembers what it found bad, a compaction moves copies.
public protocol StorageUpkeep: Sendable {
    /// The segments in order of number, after the given one; the one that is appended to comes last. Ends with an
    /// empty page.
    func segments(after number: UInt32?, limit: Int) async throws(DepotError) -> [SegmentInfo]

    /// Reads a part of a segment from the disk, not from a cache, and hashes every live copy that begins in it. What
    /// looks bad is read a second time before it is called so, and is remembered as by `check`.
    ///
    /// - Parameters:
    ///   - offset: 0, or `ScrubStep.next` of the step before.
    ///   - budget: bytes to read, at least 1; a copy that was begun is read to its end.
    /// - Throws: `notFound` where the segment is not there (any more), with that nonce; `invalidArgument`.
    func scrub(
        _ segment: SegmentID, from offset: UInt64, budget: UInt64
    ) async throws(DepotError) -> ScrubStep

    /// Gives the space of a sealed segment's dead members back. Its live members are hashed, appended to the open
    /// segment and made durable before the file goes; readers that have it open keep it. A live copy that is not what
    /// it should be stays where it is, and the segment with it. Bytes that nobody can tell anything of are set aside.
    ///
    /// - Throws: `notFound` where the segment is not there (any more); `conflict` for the open one; `storageFull`
    ///   where its live members do not fit. Then nothing was lost.
    func compact(_ segment: SegmentID) async throws(DepotError) -> CompactionReport
}

/// One segment of one store: numbers are never used again, and a nonce tells it from that of another disk.
public struct SegmentID: Sendable, Hashable, Codable {
    public let number: UInt32
    public let nonce: UInt64

    public init(number: UInt32, nonce: UInt64) {
        self.number = number
        self.nonce = nonce
    }
}

public struct SegmentInfo: Sendable, Hashable, Codable {
    public let id: SegmentID
    /// Of the file.
    public let bytes: UInt64
    /// Of its live copies, header and padding included: what a compaction would move.
    public let liveBytes: UInt64
    public let liveCopies: Int
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

/// What one step of a scrub found.
public struct ScrubStep: Sendable, Hashable {
    /// Where the next step begins; `nil`: the segment was read to its (durable) end.
    public let next: UInt64?
    public let bytesRead: UInt64
    /// Of the live copies that were read, in order of their place.
    public let verdicts: [ScrubVerdict]
    /// What is wrong with the segment itself, its live copies aside: its ending, or members that say nothing sensible.
    public let problems: [SegmentProblem]

    public init(
        next: UInt64?, bytesRead: UInt64, verdicts: [ScrubVerdict], problems: [SegmentProblem]
    ) {
        self.next = next
        self.bytesRead = bytesRead
        self.verdicts = verdicts
        self.problems = problems
    }
}

public struct ScrubVerdict: Sendable, Hashable {
    public let id: ObjectID
    /// Never `absent`.
    public let verdict: CheckVerdict

    public init(id: ObjectID, verdict: CheckVerdict) {
        self.id = id
        self.verdict = verdict
    }
}

/// Damage of a segment that is no live copy's. A compaction rewrites what is good and sets the rest aside.
public struct SegmentProblem: Sendable, Hashable, Codable {
    public let offset: UInt64
    /// For people to read.
    public let what: String

    public init(offset: UInt64, what: String) {
        self.offset = offset
        self.what = what
    }
}

public struct CompactionReport: Sendable, Hashable, Codable {
    public let movedCopies: Int
    /// Counted as `SegmentInfo.liveBytes`.
    public let movedBytes: UInt64
    /// Bytes of the file that went; 0 where it stays.
    public let freedBytes: UInt64
    /// Live copies that were wrong and keep the segment where it is.
    public let pinnedBy: [ObjectID]

    public init(movedCopies: Int, movedBytes: UInt64, freedBytes: UInt64, pinnedBy: [ObjectID]) {
        self.movedCopies = movedCopies
        self.movedBytes = movedBytes
        self.freedBytes = freedBytes
        self.pinnedBy = pinnedBy
    }
}
