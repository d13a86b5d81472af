import DepotCore
import DepotWire
import HummingbirdCore

/// Requests below `/v1/replicas`.
enum MembershipRequest: Sendable, Equatable {
    case startDrain
    case drainStatus(String)
    case stopDrain(String)
    case forget
    case simulate

    var takesBody: Bool {
        switch self {
        case .startDrain, .forget, .simulate: true
        case .drainStatus, .stopDrain: false
        }
    }

    var route: Route {
        switch self {
        case .startDrain: .startDrain
        case .drainStatus: .drainStatus
        case .stopDrain: .stopDrain
        case .forget: .forget
        case .simulate: .simulate
        }
    }

    /// - Throws: `MethodNotAllowed`; `invalidArgument` where the replica is not named.
    init(_ target: RequestTarget) throws {
        guard target.parts.count == 1, let part = target.parts.first else { throw target.unknown }
        switch part {
        case "drain":
            self = try target.choose([
                "POST": { .startDrain }, "GET": { .drainStatus(try target.query.replica()) },
                "DELETE": { .stopDrain(try target.query.replica()) },
            ])
        case "forget": self = try target.choose(["POST": { .forget }])
        case "simulation": self = try target.choose(["POST": { .simulate }])
        default: throw target.unknown
        }
    }
}

extension QueryParameters {
    fileprivate func replica() throws(DepotError) -> String {
        guard let text = self["replica"], !text.isEmpty else {
            throw DepotError(.invalidArgument, "the parameter 'replica' is missing")
        }
        return text
    }
}

extension FileServerRoutes {
    func answer(
        _ request: MembershipRequest, _ body: IncomingBody
    ) async throws -> Response {
        let membership = parts.upkeep.membership
        switch request {
        case .startDrain:
            return try Response(
                json: try await membership.drains.start(
                    try await body.decode(DrainRequestBody.self)))
        case .drainStatus(let replica):
            return try Response(json: try await membership.drains.status(replica))
        case .stopDrain(let replica):
            return try Response(json: try await membership.drains.stop(replica))
        case .forget:
            let asked = try await body.decode(ForgetRequestBody.self)
            return try Response(json: try await membership.removal.forget(asked))
        case .simulate:
            let asked = try await body.decode(SimulationRequestBody.self)
            return try Response(json: try await membership.simulation.answer(asked))
        }
    }
}
