import DepotCore
import DepotWire
import NIOHTTP1

/// A request that the sender may make, by what becomes of its body.
enum AdmittedRequest: Sendable {
    /// Objects are sent: `ObjectReceiver` takes them.
    case upload(HTTPHeaders)
    /// The body is small and read whole.
    case whole(ReplicaRequest)
}

/// A request whose body is read whole, with its head taken apart.
struct ReplicaRequest: Sendable {
    /// What is asked for, by groups. Each group's file has its requests and their answers.
    enum Asked: Sendable {
        case metrics
        case identity(IdentityRequest)
        case objects(ObjectsRequest)
        case upkeep(UpkeepRequest)
    }

    let asked: Asked
    let headers: HTTPHeaders
    let query: [String: String]
    /// For messages.
    let path: String

    /// Whether the request changes something, or is relied on by a FileServer that does: then the
    /// sender has to be the writer whose claim the replica keeps. An upload wants it, too.
    var wantsWriter: Bool {
        switch asked {
        case .metrics, .identity: false
        case .objects(let request): request.wantsWriter
        case .upkeep(let request): request.wantsWriter
        }
    }
}

extension AdmittedRequest {
    /// Takes the head of a request apart.
    ///
    /// - Throws: `notFound` for a route that a replica has not, `invalidArgument` for another
    ///   method than the route's.
    init(_ head: HTTPRequestHead) throws(DepotError) {
        let parts = head.uri.split(separator: "?", maxSplits: 1)
        let path = parts.first.map(String.init) ?? ""
        guard let route = ReplicaRoute(rawValue: path) else {
            throw DepotError(.notFound, "a replica has no such route", object: path)
        }
        let (method, asked) = Self.asked(by: route)
        guard head.method == method else {
            throw DepotError(.invalidArgument, "\(path) wants \(method), found \(head.method)")
        }
        guard let asked else {
            self = .upload(head.headers)
            return
        }
        self = .whole(
            ReplicaRequest(
                asked: asked, headers: head.headers,
                query: Self.query(parts.count > 1 ? parts[1] : ""), path: path))
    }

    /// - Returns: nothing that is asked for, where objects are sent.
    private static func asked(by route: ReplicaRoute) -> (HTTPMethod, ReplicaRequest.Asked?) {
        switch route {
        case .objects: (.PUT, nil)
        case .health: (.GET, .identity(.health))
        case .metrics: (.GET, .metrics)
        case .standing: (.GET, .identity(.standing))
        case .cluster: (.POST, .identity(.adopt))
        case .vouch: (.POST, .objects(.vouch))
        case .read: (.POST, .objects(.read))
        case .check: (.POST, .objects(.check))
        case .condemn: (.POST, .objects(.condemn))
        case .delete: (.POST, .objects(.delete))
        case .inventory: (.GET, .upkeep(.inventory))
        case .segments: (.GET, .upkeep(.segments))
        case .scrub: (.POST, .upkeep(.scrub))
        case .compact: (.POST, .upkeep(.compact))
        }
    }

    private static func query(_ text: Substring) -> [String: String] {
        let pairs = text.split(separator: "&").map {
            $0.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        }
        return Dictionary(
            pairs.map { (String($0[0]), $0.count > 1 ? String($0[1]) : "") },
            uniquingKeysWith: { $1 })
    }
}
