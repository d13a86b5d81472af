import DepotCore
import DepotWire
import NIOCore

extension ReplicaDesk {
    /// What keeps the replica sound: lists, scrubs, compactions.
    func upkeep(
        _ question: Question, _ body: ByteBuffer
    ) async throws(DepotError) -> ReplicaAnswer {
        switch question.route {
        case .inventory: return try await inventory(question.query)
        case .segments: return try await segments(question.query)
        case .scrub: return try await scrub(WireJSON.decode(ScrubBody.self, from: body))
        case .compact:
            let segment = try WireJSON.decode(SegmentID.self, from: body)
            return try await .json(context.storage.compact(segment))
        default: preconditionFailure("answered elsewhere")
        }
    }

    private func inventory(_ query: [String: String]) async throws(DepotError) -> ReplicaAnswer {
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

    private func segments(_ query: [String: String]) async throws(DepotError) -> ReplicaAnswer {
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

    private func scrub(_ body: ScrubBody) async throws(DepotError) -> ReplicaAnswer {
        guard (1...ScrubBody.budgetMax).contains(body.budget) else {
            throw DepotError(
                .invalidArgument, "a step reads 1 to \(ScrubBody.budgetMax) bytes")
        }
        let step = try await context.storage.scrub(
            body.segment, from: body.offset, budget: body.budget)
        return try .bytes(step.encoded())
    }
}
