import DepotCore
import DepotWire
import HummingbirdCore

extension FileServerRoutes {
    func upkeep(_ endpoint: Endpoint, _ body: IncomingBody) async throws -> Response {
        switch endpoint {
        case .startVerification:
            let asked = try await body.decode(VerifyBody.self)
            return try Response(status: .accepted, json: try await parts.verifications.start(asked))
        case .verification(let id, let after):
            return try Response(json: try parts.verifications.progress(of: id, after: after))
        case .stopVerification(let id):
            parts.verifications.stop(id)
            return .noContent
        case .coverage(let days):
            return try Response(json: try await parts.verifications.coverage(days: days))
        case .collect:
            let asked = try await body.decode(CollectBody.self)
            return try Response(json: try await parts.collection.collect(asked))
        default:
            throw DepotError(.internalError, "not an endpoint of upkeep")
        }
    }
}
