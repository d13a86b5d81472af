import DepotCore
import DepotWire
import NIOCore

/// Requests about a list of objects.
enum ObjectsRequest: Sendable {
    case vouch
    case read
    case check
    case condemn
    case delete

    var wantsWriter: Bool {
        switch self {
        case .vouch, .condemn, .delete: true
        case .read, .check: false
        }
    }
}

extension ReplicaRequestHandler {
    func answer(
        _ asked: ObjectsRequest, of request: ReplicaRequest, body: ByteBuffer
    ) async throws(DepotError) -> ReplicaResponse {
        let standing = try await checkClaim(request)
        let storage = context.storage
        let ids = try WireList.decode(ObjectID.self, from: body)
        switch asked {
        case .vouch:
            let vouches = try await storage.vouch(for: ids)
            // Another FileServer may have taken over meanwhile. It must know of every commit that
            // this answer lets be acknowledged.
            _ = try await checkClaim(request)
            return .bytes(ByteBuffer(bytes: vouches.map(\.rawValue)))
        case .check:
            return try await .bytes(ByteBuffer(bytes: storage.check(ids).map(\.rawValue)))
        case .read:
            guard ids.count <= WireLimits.batchObjectsMax else {
                throw DepotError(
                    .tooLarge, "a batch has at most \(WireLimits.batchObjectsMax) objects")
            }
            return try await .objects(ids, storage.read(ids), from: standing.replica)
        case .condemn: return try await .json(storage.condemn(ids))
        case .delete:
            guard let value = request.query["token"].flatMap({ UInt64($0) }) else {
                throw DepotError(.invalidArgument, "the token is missing or no number")
            }
            return try await .bytes(
                WireList.encode(storage.delete(ids, token: CondemnToken(value: value))))
        }
    }
}
