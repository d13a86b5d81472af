/// What one step of a scrub found.
public struct ScrubStep: Sendable, Hashable {
    /// Where the next step begins; `nil`: the segment was read to its (durable) end.
    public let next: UInt64?
    @ByteCount public private(set) var bytesRead: UInt64
    /// Of the live copies that were read, in order of their place.
    public let verdicts: [ScrubVerdict]
    /// What is wrong with the segment itself, its live copies aside: its ending, or members that
    /// say nothing sensible.
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

/// Damage of a segment that is no live copy's. A compaction rewrites what is good and sets the rest
/// aside.
public struct SegmentProblem: Sendable, Hashable, Codable {
    @ByteCount public private(set) var offset: UInt64
    /// For people to read.
    public let what: String

    public init(offset: UInt64, what: String) {
        self.offset = offset
        self.what = what
    }
}
