import DepotCore
import DepotWire
import HummingbirdCore

/// Requests below `/v1/tokens`.
enum TokenRequest: Sendable, Equatable {
    case list
    case create
    case rotate(TokenName)
    case revoke(TokenName)

    var takesBody: Bool {
        switch self {
        case .create, .rotate: true
        case .list, .revoke: false
        }
    }

    var route: Route {
        switch self {
        case .list: .listTokens
        case .create: .createToken
        case .rotate: .rotateToken
        case .revoke: .revokeToken
        }
    }

    /// - Parameter target: behind `/v1/tokens`.
    init(_ target: RequestTarget) throws {
        guard let first = target.parts.first else {
            self = try target.choose(["GET": { .list }, "POST": { .create }])
            return
        }
        let name = try TokenName(String(first))
        self =
            switch (target.parts.dropFirst().first, target.parts.count) {
            case (nil, 1): try target.choose(["DELETE": { .revoke(name) }])
            case ("rotation", 2): try target.choose(["POST": { .rotate(name) }])
            default: throw target.unknown
            }
    }
}

extension FileServerRoutes {
    func answer(_ request: TokenRequest, _ body: IncomingBody) async throws -> Response {
        switch request {
        case .list:
            return try Response(json: await parts.tokens.list())
        case .create:
            let asked = try await body.decode(NewTokenBody.self)
            return try Response(json: try await parts.tokens.create(asked))
        case .rotate(let name):
            let asked = try await body.decode(RotationBody.self)
            return try Response(json: try await parts.tokens.rotate(name, asked))
        case .revoke(let name):
            try await parts.tokens.revoke(name)
            return .noContent
        }
    }
}
