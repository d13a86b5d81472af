import DepotCore
import DepotWire
import NIOCore

// A FileServer believes no answer that does not say which replica gives it. To everybody else the
// UUID and the log's position would tell which clusters share a disk, and how much is written and
// when. So they are added here and nowhere else, to answers for senders that showed the token.

/// Requests that tell or settle which replica this is, and of which cluster. They want no claim.
enum IdentityRequest: Sendable {
    case health
    case standing
    case adopt
}

extension ReplicaRequestHandler {
    func answer(
        _ asked: IdentityRequest, body: ByteBuffer
    ) async throws(DepotError) -> ReplicaResponse {
        let storage = context.storage
        switch asked {
        case .health: return try await .json(health())
        case .standing: return try await .json(context.shutdownNotice.added(to: storage.standing()))
        case .adopt:
            let body = try WireJSON.decode(AdoptionBody.self, from: body)
            return try await .json(storage.adopt(body.offer))
        }
    }

    /// Adds to an answer who gives it and how far its log is, unless a stranger asked.
    func identified(_ response: ReplicaResponse, to sender: RequestSender) async -> ReplicaResponse
    {
        guard sender == .authorized else { return response }
        var response = response
        do throws(DepotError) {
            response.headers.add(standing: try await context.storage.standing())
        } catch {
            context.logger.warning("cannot say how far the log is", metadata: ["why": "\(error)"])
        }
        return response
    }

    /// The state that anybody may ask for. Why the store fails goes to the log alone: the reason
    /// names its folder.
    private func health() async throws(DepotError) -> HealthBody {
        do throws(DepotError) {
            let standing = try await context.storage.standing()
            return HealthBody(status: standing.writable ? .ok : .failing)
        } catch {
            context.logger.warning("cannot say how the store is", metadata: ["why": "\(error)"])
            throw DepotError(
                error.code, "the replica cannot say how its store is; its log tells why")
        }
    }
}
