import DepotCore

extension FaultyReplica {
    public func segments(
        after number: UInt32?, limit: Int
    ) async throws(DepotError) -> [SegmentInfo] {
        let fault = try await enter(.segments)
        if case .reportAbsent = fault { return [] }
        let answer = try await base.segments(after: number, limit: limit)
        try Self.leave(fault)
        return answer
    }

    public func scrub(
        _ segment: SegmentID, from offset: UInt64, budget: UInt64
    ) async throws(DepotError) -> ScrubStep {
        let fault = try await enter(.scrub)
        let answer = try await base.scrub(segment, from: offset, budget: budget)
        try Self.leave(fault)
        return answer
    }

    public func compact(_ segment: SegmentID) async throws(DepotError) -> CompactionReport {
        let fault = try await enter(.compact)
        let answer = try await base.compact(segment)
        try Self.leave(fault)
        return answer
    }
}
