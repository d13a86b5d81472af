import DepotCore
import DepotWire
import HummingbirdCore

/// What a request below `/v1/replicas` asks for.
enum MembershipEndpoint: Sendable, Equatable {
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

    /// - Parameter parts: of the path behind `/v1/replicas`.
    /// - Returns: `nil` for a path that nothing is at.
    /// - Throws: `MethodNotAllowed`; `invalidArgument` where the replica is not named.
    init?(method: String, parts: ArraySlice<Substring>, query: QueryParameters) throws {
        guard parts.count == 1, let part = parts.first else { return nil }
        switch (part, method) {
        case ("drain", "POST"): self = .startDrain
        case ("drain", "GET"): self = .drainStatus(try query.replica())
        case ("drain", "DELETE"): self = .stopDrain(try query.replica())
        case ("drain", _):
            throw MethodNotAllowed(method: method, allowed: ["DELETE", "GET", "POST"])
        case ("forget", "POST"): self = .forget
        case ("simulation", "POST"): self = .simulate
        case ("forget", _), ("simulation", _):
            throw MethodNotAllowed(method: method, allowed: ["POST"])
        default: return nil
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
        _ endpoint: MembershipEndpoint, _ body: IncomingBody
    ) async throws -> Response {
        let membership = parts.membership
        switch endpoint {
        case .startDrain:
            return try Response(
                json: try await membership.drains.start(
                    try await body.decode(DrainRequestBody.self)))
        case .drainStatus(let replica):
            return try Response(json: try await membership.drains.status(replica))
        case .stopDrain(let replica):
            return try Response(json: try await membership.drains.stop(replica))
        case .forget:
            let request = try await body.decode(ForgetRequestBody.self)
            return try Response(json: try await membership.forgetting.forget(request))
        case .simulate:
            let request = try await body.decode(SimulationRequestBody.self)
            return try Response(json: try await membership.simulation.answer(request))
        }
    }
}
