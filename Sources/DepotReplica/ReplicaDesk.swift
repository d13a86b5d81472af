import DepotCore
import DepotWire
import NIOCore
import NIOHTTP1

/// Decides who may do what, and answers every request whose body is small enough to be read whole. Objects that
/// come in are `ObjectIntake`'s.
struct ReplicaDesk: Sendable {
    let context: ReplicaContext

    /// A request's head, taken apart.
    struct Question: Sendable {
        let route: ReplicaRoute
        let headers: HTTPHeaders
        let query: [String: String]
    }

    /// - Throws: `unauthorized`, `notFound`, `invalidArgument`: all that a head alone can be wrong in.
    func admit(_ head: HTTPRequestHead) throws(DepotError) -> Question {
        let parts = head.uri.split(separator: "?", maxSplits: 1)
        let path = parts.first.map(String.init) ?? ""
        guard let route = ReplicaRoute(rawValue: path) else {
            throw DepotError(.notFound, "a replica has no such route", object: path)
        }
        if route != .health {
            let token = context.configuration.token
            guard token.admits(head.headers.first(name: "authorization")) else {
                throw DepotError(
                    .unauthorized, "the cluster token is missing or wrong; see DEPOT_CLUSTER_TOKEN",
                    object: path)
            }
        }
        guard head.method == Self.method(of: route) else {
            throw DepotError(
                .invalidArgument, "\(path) wants \(Self.method(of: route)), found \(head.method)")
        }
        return Question(
            route: route, headers: head.headers,
            query: Self.query(parts.count > 1 ? parts[1] : ""))
    }

    private static func method(of route: ReplicaRoute) -> HTTPMethod {
        switch route {
        case .health, .standing, .inventory, .segments: .GET
        case .objects: .PUT
        case .cluster, .vouch, .read, .check, .condemn, .delete, .scrub, .compact: .POST
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

    /// Whether the sender speaks for the cluster that this replica belongs to.
    ///
    /// - Throws: `clusterMismatch`, `epochStale`.
    func checkClaim(_ headers: HTTPHeaders) async throws(DepotError) -> ReplicaStanding {
        let claim = try headers.claim()
        let standing = try await context.storage.standing()
        guard let membership = standing.membership else {
            throw DepotError(
                .clusterMismatch, "this replica belongs to no cluster yet",
                object: standing.replica.description)
        }
        guard membership.cluster == claim.cluster else {
            throw DepotError(
                .clusterMismatch,
                "this replica belongs to cluster \(membership.cluster), not to \(claim.cluster)",
                object: standing.replica.description)
        }
        guard claim.epoch >= membership.epoch else {
            throw DepotError(
                .epochStale,
                "this replica has seen epoch \(membership.epoch), the FileServer is at \(claim.epoch): "
                    + "another one has taken over",
                object: standing.replica.description)
        }
        return standing
    }

    func answer(_ question: Question, _ body: ByteBuffer) async throws(DepotError) -> ReplicaAnswer
    {
        let storage = context.storage
        switch question.route {
        case .health:
            let standing = try await storage.standing()
            return try .json(HealthBody(status: standing.writable ? .ok : .failing))
        case .standing: return try await .json(context.farewell.mark(storage.standing()))
        case .cluster:
            let membership = try WireJSON.decode(ClusterMembership.self, from: body)
            return try await .json(storage.adopt(membership))
        case .objects: preconditionFailure("objects are taken in by ObjectIntake")
        case .inventory, .segments, .scrub, .compact:
            _ = try await checkClaim(question.headers)
            return try await upkeep(question, body)
        case .vouch, .read, .check, .condemn, .delete:
            let standing = try await checkClaim(question.headers)
            return try await answer(question, body, standing)
        }
    }

    private func answer(
        _ question: Question, _ body: ByteBuffer, _ standing: ReplicaStanding
    ) async throws(DepotError) -> ReplicaAnswer {
        let storage = context.storage
        let ids = try WireList.decode(ObjectID.self, from: body)
        switch question.route {
        case .vouch:
            return try await .bytes(ByteBuffer(bytes: storage.vouch(for: ids).map(\.rawValue)))
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
            guard let value = question.query["token"].flatMap({ UInt64($0) }) else {
                throw DepotError(.invalidArgument, "the token is missing or no number")
            }
            return try await .bytes(
                WireList.encode(storage.delete(ids, token: CondemnToken(value: value))))
        case .health, .standing, .cluster, .objects, .inventory, .segments, .scrub, .compact:
            preconditionFailure("answered before")
        }
    }
}
