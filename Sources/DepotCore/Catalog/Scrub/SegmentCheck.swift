/// What is known of one segment of a replica: how large it is, and when it was last read to its
/// end.
public struct SegmentCheck: Sendable, Hashable {
    public let segment: SegmentID
    public let bytes: UInt64
    public let copies: Int
    public let isSealed: Bool
    /// Running time since it was read to its end; `nil`: never.
    public let age: Duration?
    /// When that was, in seconds since 1970; for people to read.
    public let time: Int64?
    /// What that reading found.
    public let problems: Int

    public init(
        segment: SegmentID, bytes: UInt64, copies: Int, isSealed: Bool, age: Duration?,
        time: Int64?,
        problems: Int
    ) {
        self.segment = segment
        self.bytes = bytes
        self.copies = copies
        self.isSealed = isSealed
        self.age = age
        self.time = time
        self.problems = problems
    }
}
