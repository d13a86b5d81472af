import DepotCore
import DepotWire
import NIOCore

extension RemoteReplica {
    /// A scrub's step reads 64 MiB at most, a compaction a whole segment, and writes as much.
    private static let upkeepPatience = TimeAmount.minutes(10)

    public func inventory(
        after: ObjectID?, limit: Int
    ) async throws(DepotError) -> [InventoryEntry] {
        var request = request(.GET, .inventory)
        let cursor = after.map { "\($0.kind.rawValue)-\($0.hash.hex)" } ?? ""
        request.path += "?after=\(cursor)&limit=\(min(limit, WireLimits.listEntriesMax))"
        let answer = try await transport.send(request)
        try check(answer.headers)
        return try WireList.decode(InventoryEntry.self, from: answer.body)
    }

    public func segments(
        after number: UInt32?, limit: Int
    ) async throws(DepotError) -> [SegmentInfo] {
        var request = request(.GET, .segments)
        let cursor = number.map(String.init) ?? ""
        request.path += "?after=\(cursor)&limit=\(min(limit, WireLimits.pageEntriesMax))"
        let answer = try await transport.send(request)
        try check(answer.headers)
        return try WireJSON.decode([SegmentInfo].self, from: answer.body)
    }

    public func scrub(
        _ segment: SegmentID, from offset: UInt64, budget: UInt64
    ) async throws(DepotError) -> ScrubStep {
        let body = ScrubBody(segment: segment, offset: offset, budget: budget)
        let answer = try await upkeep(.scrub, body)
        return try ScrubStep(parsing: answer.body)
    }

    public func compact(
        _ segment: SegmentID
    ) async throws(DepotError) -> CompactionReport {
        let answer = try await upkeep(.compact, segment)
        return try WireJSON.decode(CompactionReport.self, from: answer.body)
    }

    private func upkeep(
        _ route: ReplicaRoute, _ body: some Encodable
    ) async throws(DepotError) -> WireAnswer {
        var request = request(.POST, route)
        request.body = try WireJSON.encode(body)
        request.patience = Self.upkeepPatience
        let answer = try await transport.send(request, answerUpTo: ScrubStep.encodedSizeMax)
        try check(answer.headers)
        return answer
    }
}
