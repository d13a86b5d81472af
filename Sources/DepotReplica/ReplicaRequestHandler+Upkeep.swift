import DepotCore
import DepotWire
import NIOCore

/// Requests that keep the replica sound: lists, scrubs, compactions.
enum UpkeepRequest: Sendable {
    case inventory
    case segments
    case scrub
    case compact

    var wantsWriter: Bool {
        switch self {
        case .compact: true
        case .inventory, .segments, .scrub: false
        }
    }
}

extension ReplicaRequestHandler {
    func answer(
        _ asked: UpkeepRequest, of request: ReplicaRequest, body: ByteBuffer
    ) async throws(DepotError) -> ReplicaResponse {
        _ = try await checkClaim(request)
        switch asked {
        case .inventory: return try await inventory(request.query)
        case .segments: return try await segments(request.query)
        case .scrub: return try await scrub(WireJSON.decode(ScrubBody.self, from: body))
        case .compact:
            let segment = try WireJSON.decode(SegmentID.self, from: body)
            return try await .json(context.storage.compact(segment))
        }
    }

    private func inventory(_ query: [String: String]) async throws(DepotError) -> ReplicaResponse {
        var after: ObjectID?
        if let text = query["after"], !text.isEmpty {
            // Kind and hash, as `0-<64 digits>`.
            let parts = text.split(separator: "-", maxSplits: 1)
            guard parts.count == 2,
                let kind = UInt8(parts[0]).flatMap({ ObjectID.Kind(rawValue: $0) }),
                let hash = ChunkID(hex: parts[1])
            else { throw DepotError(.invalidArgument, "not an object id: '\(text)'") }
            after = ObjectID(kind: kind, hash: hash)
        }
        let limit = try Self.limit(query)
        return try await .bytes(
            WireList.encode(context.storage.inventory(after: after, limit: limit)))
    }

    private func segments(_ query: [String: String]) async throws(DepotError) -> ReplicaResponse {
        var after: UInt32?
        if let text = query["after"], !text.isEmpty {
            guard let number = UInt32(text) else {
                throw DepotError(.invalidArgument, "not a segment's number: '\(text)'")
            }
            after = number
        }
        let limit = min(try Self.limit(query), WireLimits.pageEntriesMax)
        return try await .json(context.storage.segments(after: after, limit: limit))
    }

    private static func limit(_ query: [String: String]) throws(DepotError) -> Int {
        let limit = query["limit"].flatMap { Int($0) } ?? WireLimits.pageEntriesMax
        guard (1...WireLimits.listEntriesMax).contains(limit) else {
            throw DepotError(
                .invalidArgument, "a page has 1 to \(WireLimits.listEntriesMax) entries")
        }
        return limit
    }

    private func scrub(_ body: ScrubBody) async throws(DepotError) -> ReplicaResponse {
        guard (1...ScrubBody.budgetMax).contains(body.budget) else {
            throw DepotError(
                .invalidArgument, "a step reads 1 to \(ScrubBody.budgetMax) bytes")
        }
        let step = try await context.storage.scrub(
            body.segment, from: body.offset, budget: body.budget)
        return try .bytes(step.encoded())
    }
}
