import DepotCore
import DepotWire
import HummingbirdCore

/// A parsed request, by groups. Each group's file has its requests, their paths and their answers.
enum FileServerRequest: Sendable, Equatable {
    case health
    case metrics
    case status
    case deposit(DepositRequest)
    case retrieval(RetrievalRequest)
    case file(FileRequest)
    case policy(PolicyRequest)
    case upkeep(UpkeepRequest)
    case membership(MembershipRequest)
    case token(TokenRequest)
    case session(SessionRequest)
    case page(PageRequest)

    var takesBody: Bool {
        switch self {
        case .health, .metrics, .status, .session, .page: false
        case .deposit(let request): request.takesBody
        case .retrieval(let request): request.takesBody
        case .file(let request): request.takesBody
        case .policy(let request): request.takesBody
        case .upkeep(let request): request.takesBody
        case .membership(let request): request.takesBody
        case .token(let request): request.takesBody
        }
    }

    var route: Route {
        switch self {
        case .health: .health
        case .metrics: .metrics
        case .status: .status
        case .deposit(let request): request.route
        case .retrieval(let request): request.route
        case .file(let request): request.route
        case .policy(let request): request.route
        case .upkeep(let request): request.route
        case .membership(let request): request.route
        case .token(let request): request.route
        case .session(let request): request.route
        case .page(let request): request.route
        }
    }

    /// The name in its path.
    var name: FileName? {
        if case .file(let request) = self { request.name } else { nil }
    }

    /// - Throws: `notFound` for a path that nothing is at; `MethodNotAllowed`; `invalidArgument`
    ///   for a name, an id or a parameter that is none.
    init(method: String, uri: URI) throws {
        let target = try RequestTarget(method: method, uri: uri)
        let parts = target.parts
        guard parts.first == "v1" else {
            if let request = try PageRequest(asset: target) {
                self = .page(request)
                return
            }
            switch parts.first {
            case "health" where parts.count == 1: self = try target.choose(["GET": { .health }])
            case "metrics" where parts.count == 1: self = try target.choose(["GET": { .metrics }])
            default: throw target.unknown
            }
            return
        }
        let rest = target.behind(2)
        self =
            switch parts.dropFirst().first {
            case "status" where rest.parts.isEmpty: try target.choose(["GET": { .status }])
            case "deposits": .deposit(try DepositRequest(rest))
            case "retrievals": .retrieval(try RetrievalRequest(rest))
            case "files": .file(try FileRequest(rest))
            case "policies": .policy(try PolicyRequest(rest))
            case "tokens": .token(try TokenRequest(rest))
            case "replicas": .membership(try MembershipRequest(rest))
            case "session": .session(try SessionRequest(rest))
            default:
                if let request = try PageRequest(data: target.behind(1)) {
                    .page(request)
                } else {
                    .upkeep(try UpkeepRequest(target.behind(1)))
                }
            }
    }
}

/// Carries out requests.
struct FileServerRoutes: Sendable {
    let parts: FileServerParts
    let version: String

    func answer(_ request: FileServerRequest, _ exchange: Exchange) async throws -> Response {
        switch request {
        case .health: try Response(json: HealthBody(status: .ok))
        case .metrics: Response(exposition: parts.metrics.exposition())
        case .status:
            try Response(
                json: try await parts.files.status(
                    version: version, namesFiles: exchange.caller.scope >= .read))
        case .deposit(let request): try await answer(request, exchange)
        case .retrieval(let request): try await answer(request, exchange)
        case .file(let request): try await answer(request, exchange)
        case .policy(let request): try await answer(request, exchange)
        case .upkeep(let request): try await answer(request, exchange)
        case .membership(let request): try await answer(request, exchange.body)
        case .token(let request): try await answer(request, exchange.body)
        case .session(let request): try answer(request, exchange)
        case .page(let request): try await answer(request, exchange)
        }
    }
}
