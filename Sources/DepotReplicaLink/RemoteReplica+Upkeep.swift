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
        let limit = min(limit, WireLimits.listEntriesMax)
        request.path += "?after=\(cursor)&limit=\(limit)"
        let answer = try await answer(
            to: request, upTo: limit * InventoryEntry.encodedSize, isConfirmed: true)
        let page = try understand("an inventory") { () throws(DepotError) in
            try WireList.decode(InventoryEntry.self, from: answer)
        }
        try checkPage(page.map(\.id), after: after, limit: limit, of: "objects of an inventory")
        return page
    }

    public func segments(
        after number: UInt32?, limit: Int
    ) async throws(DepotError) -> [SegmentInfo] {
        var request = request(.GET, .segments)
        let cursor = number.map(String.init) ?? ""
        let limit = min(limit, WireLimits.pageEntriesMax)
        request.path += "?after=\(cursor)&limit=\(limit)"
        let answer = try await answer(to: request, isConfirmed: true)
        let page = try understand("a list of segments") { () throws(DepotError) in
            try WireJSON.decode([SegmentInfo].self, from: answer)
        }
        try checkPage(page.map(\.id.number), after: number, limit: limit, of: "segments")
        return page
    }

    public func scrub(
        _ segment: SegmentID, from offset: UInt64, budget: UInt64
    ) async throws(DepotError) -> ScrubStep {
        let body = ScrubBody(segment: segment, offset: offset, budget: budget)
        let answer = try await upkeep(.scrub, body)
        let step = try understand("a step of a scrub") { () throws(DepotError) in
            try ScrubStep(parsing: answer)
        }
        guard step.next.map({ $0 > offset }) ?? true else {
            throw misbehaving("to a scrub that its next step begins where this one did, or before")
        }
        return step
    }

    public func compact(
        _ segment: SegmentID
    ) async throws(DepotError) -> CompactionReport {
        let answer = try await upkeep(.compact, segment)
        return try understand("the report of a compaction") { () throws(DepotError) in
            try WireJSON.decode(CompactionReport.self, from: answer)
        }
    }

    private func upkeep(
        _ route: ReplicaRoute, _ body: some Encodable
    ) async throws(DepotError) -> ByteBuffer {
        var request = request(.POST, route)
        request.body = try WireJSON.encode(body)
        request.patience = Self.upkeepPatience
        return try await answer(
            to: request, upTo: ScrubStep.encodedSizeMax, isConfirmed: true)
    }
}
