import DepotCore
import DepotWire
import HummingbirdCore

/// Requests at `/v1/policies`.
enum PolicyRequest: Sendable, Equatable {
    case list
    case set(prefix: String)
    case remove(prefix: String)

    var takesBody: Bool {
        if case .set = self { true } else { false }
    }

    var route: Route {
        switch self {
        case .list: .listPolicies
        case .set: .setPolicy
        case .remove: .removePolicy
        }
    }

    /// - Parameter target: behind `/v1/policies`.
    init(_ target: RequestTarget) throws {
        guard target.parts.isEmpty else { throw target.unknown }
        self = try target.choose([
            "GET": { .list }, "PUT": { .set(prefix: try target.query.prefix()) },
            "DELETE": { .remove(prefix: try target.query.prefix()) },
        ])
    }
}

extension QueryParameters {
    /// Empty: the whole depot, which nobody means by leaving it out.
    fileprivate func prefix() throws(DepotError) -> String {
        guard let text = self["prefix"] else {
            throw DepotError(
                .invalidArgument, "the parameter 'prefix' is missing; empty, it is the whole depot")
        }
        return text
    }
}

extension FileServerRoutes {
    func answer(_ request: PolicyRequest, _ exchange: Exchange) async throws -> Response {
        switch request {
        case .list:
            return try Response(
                json: try await parts.retention.policies().within(exchange.caller.reach))
        case .set(let prefix):
            let policy = try await exchange.body.decode(PolicyBody.self)
            return try Response(
                json: try await parts.retention.setPolicy(
                    policy, prefix: prefix, request: try Self.requestID(exchange.headers)))
        case .remove(let prefix):
            return try Response(
                json: try await parts.retention.setPolicy(
                    nil, prefix: prefix, request: try Self.requestID(exchange.headers)))
        }
    }
}
