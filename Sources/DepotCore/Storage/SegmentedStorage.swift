/// Storage whose log consists of segments, each of which can be read back as a whole and give its
/// dead space back. A place that has no segments shows all it holds as one.
///
/// Nothing here changes what is held: a scrub remembers what it found bad, a compaction moves
/// copies.
public protocol SegmentedStorage: Sendable {
    /// The segments in order of number, after the given one; the one that is appended to comes
    /// last. Ends with an empty page.
    func segments(after number: UInt32?, limit: Int) async throws(DepotError) -> [SegmentInfo]

    /// Reads a part of a segment from the disk, not from a cache, and hashes every live copy that
    /// begins in it. What looks bad is read a second time before it is called so, and is remembered
    /// as by `check`.
    ///
    /// - Parameters:
    ///   - offset: 0, or `ScrubStep.next` of the step before.
    ///   - budget: bytes to read, at least 1; a copy that was begun is read to its end.
    /// - Throws: `notFound` where the segment is not there (any more), with that nonce;
    ///   `invalidArgument`.
    func scrub(
        _ segment: SegmentID, from offset: UInt64, budget: UInt64
    ) async throws(DepotError) -> ScrubStep

    /// Gives the space of a segment's dead members back; the open one is sealed before. Its live
    /// members are hashed, appended to the open segment and made durable before the file goes;
    /// readers that have it open keep it. A live copy that is not what it should be stays where it
    /// is, and the segment with it. Bytes that nobody can tell anything of are set aside.
    ///
    /// - Throws: `notFound` where the segment is not there (any more); `storageFull`
    ///   where its live members do not fit. Then nothing was lost.
    func compact(_ segment: SegmentID) async throws(DepotError) -> CompactionReport
}
