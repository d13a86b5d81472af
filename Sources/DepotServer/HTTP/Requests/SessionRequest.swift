import DepotCore
import DepotWire
import HTTPTypes
import HummingbirdCore
import NIOHTTP1

/// Requests at `/v1/session`: whoever uses the page.
enum SessionRequest: String, Sendable, Equatable, CaseIterable {
    case signIn
    case look
    case signOut

    var route: Route {
        switch self {
        case .signIn: .signIn
        case .look: .session
        case .signOut: .signOut
        }
    }

    /// - Parameter target: behind `/v1/session`.
    init(_ target: RequestTarget) throws {
        guard target.parts.isEmpty else { throw target.unknown }
        self = try target.choose(["POST": { .signIn }, "GET": { .look }, "DELETE": { .signOut }])
    }
}

extension FileServerRoutes {
    func answer(_ request: SessionRequest, _ exchange: Exchange) throws -> Response {
        let door = parts.door
        switch request {
        case .signIn:
            // Else a session would prolong itself.
            guard exchange.credentials.authorization != nil else {
                throw DepotError(.unauthorized, "signing in takes a token")
            }
            let id = door.sessions.begin(
                with: TokenDigest(showing: exchange.credentials.authorization))
            var response = try Response(json: body(of: exchange, left: PageSessions.lifetime))
            response.headers[.setCookie] = door.cookie.setting(id)
            response.headers[.cacheControl] = "no-store"
            return response
        case .look:
            // Whoever opens the page has no session yet, and that is no mistake.
            guard exchange.caller != .stranger else { return .noContent }
            let session = door.session(exchange.credentials)
            var response = try Response(
                json: body(of: exchange, left: session.map(door.sessions.timeLeft)))
            response.headers[.cacheControl] = "no-store"
            return response
        case .signOut:
            if let id = exchange.credentials.cookie.flatMap(door.cookie.id) {
                door.sessions.end(id)
            }
            var response = Response.noContent
            response.headers[.setCookie] = door.cookie.ending
            return response
        }
    }

    private func body(of exchange: Exchange, left: Duration?) -> SessionBody {
        let caller = exchange.caller
        return SessionBody(
            name: caller.name, scope: caller.scope, prefixes: caller.reach.roots, left: left)
    }
}
