/// Which segments replicas have, and when each was last read to its end.
public protocol ScrubCatalog: Sendable {
    /// Replaces the list of a replica's segments. A segment that is not named is forgotten, and a
    /// new nonce means a new segment, which was never checked.
    func noteSegments(
        _ segments: [SegmentInfo], of replica: ReplicaID
    ) async throws(DepotError)

    /// Notes that a segment was read to its end just now, with so many problems.
    ///
    /// - Parameter time: seconds since 1970, for people to read.
    func noteScrub(
        of segment: SegmentID, on replica: ReplicaID, bytes: UInt64, copies: Int, problems: Int,
        time: Int64
    ) async throws(DepotError)

    /// The segments of a replica. A segment that was never read to its end comes first, then those
    /// whose check is the oldest, in running time.
    func segmentChecks(on replica: ReplicaID) async throws(DepotError) -> [SegmentCheck]
}
