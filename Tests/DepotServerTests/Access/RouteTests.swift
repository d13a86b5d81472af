import DepotCore
import DepotTestSupport
import DepotWire
import HummingbirdCore
import NIOCore
import NIOHTTP1
import Testing

@testable import DepotServer

/// Nobody comes in by any route who may not.
@Suite(.timeLimit(.minutes(2))) struct RouteTests {
    private static let id = "8a9c6c1e-7c55-4b3c-9b0e-3f6f1b5d2a10"

    /// What anybody may ask for: whether the daemon is well, the page, that nobody is signed
    /// in, and what can be asked for.
    private static let open: Set<Route> = [.health, .page, .asset, .session, .interface]

    /// A request of each route, about the file `here/file` where it is about one.
    static func sample(_ route: Route) -> (method: String, path: String) {
        switch route {
        case .health: ("GET", "/health")
        case .metrics: ("GET", "/metrics")
        case .status: ("GET", "/v1/status")
        case .openDeposit: ("POST", "/v1/deposits")
        case .negotiate: ("POST", "/v1/deposits/\(id)/negotiation")
        case .upload: ("PUT", "/v1/deposits/\(id)/chunks")
        case .barrier: ("POST", "/v1/deposits/\(id)/barrier")
        case .commit: ("POST", "/v1/deposits/\(id)/commits")
        case .closeDeposit: ("DELETE", "/v1/deposits/\(id)")
        case .openRetrieval: ("POST", "/v1/retrievals")
        case .readChunks: ("POST", "/v1/retrievals/\(id)/chunks")
        case .closeRetrieval: ("DELETE", "/v1/retrievals/\(id)")
        case .list: ("GET", "/v1/files")
        case .info: ("GET", "/v1/files/here/file/info")
        case .versions: ("GET", "/v1/files/here/file/versions")
        case .content: ("GET", "/v1/files/here/file/content")
        case .contentHead: ("HEAD", "/v1/files/here/file/content")
        case .put: ("PUT", "/v1/files/here/file?level=1")
        case .delete: ("DELETE", "/v1/files/here/file")
        case .changeLevel: ("POST", "/v1/files/here/file/level")
        case .revert: ("POST", "/v1/files/here/file/revert")
        case .lock: ("POST", "/v1/files/here/file/lock")
        case .breakLock: ("POST", "/v1/files/here/file/lock?break=true")
        case .purge: ("POST", "/v1/files/here/file/purge")
        case .purgePlan: ("GET", "/v1/files/here/file/purge?below=true")
        case .listPolicies: ("GET", "/v1/policies")
        case .setPolicy: ("PUT", "/v1/policies?prefix=here")
        case .removePolicy: ("DELETE", "/v1/policies?prefix=here")
        case .startVerification: ("POST", "/v1/verifications")
        case .verification: ("GET", "/v1/verifications/\(id)")
        case .stopVerification: ("DELETE", "/v1/verifications/\(id)")
        case .coverage: ("GET", "/v1/coverage")
        case .collect: ("POST", "/v1/collections")
        case .proveReceipt: ("POST", "/v1/receipts")
        case .startDrain: ("POST", "/v1/replicas/drain")
        case .drainStatus: ("GET", "/v1/replicas/drain?replica=r1")
        case .stopDrain: ("DELETE", "/v1/replicas/drain?replica=r1")
        case .forget: ("POST", "/v1/replicas/forget")
        case .simulate: ("POST", "/v1/replicas/simulation")
        case .listTokens: ("GET", "/v1/tokens")
        case .createToken: ("POST", "/v1/tokens")
        case .rotateToken: ("POST", "/v1/tokens/nobody/rotation")
        case .revokeToken: ("DELETE", "/v1/tokens/nobody")
        case .page: ("GET", "/")
        case .asset: ("GET", "/page/app.js")
        case .interface: ("GET", "/openapi.yaml")
        case .signIn: ("POST", "/v1/session")
        case .session: ("GET", "/v1/session")
        case .signOut: ("DELETE", "/v1/session")
        case .folder: ("GET", "/v1/folders?prefix=here/&health=true")
        case .overview: ("GET", "/v1/overview")
        case .traffic: ("GET", "/v1/traffic")
        case .events: ("GET", "/v1/events?once=true")
        }
    }

    @Test(arguments: Route.allCases) func `each route is the one of its request`(
        _ route: Route
    ) throws {
        let (method, path) = Self.sample(route)
        let request = try FileServerRequest(method: method, uri: URI(path))
        #expect(request.route == route)
        let isAboutName = route.rule.reach == .name
        #expect((request.name != nil) == isAboutName)
        #expect(route.rule.scope != nil || Self.open.contains(route))
    }

    /// Statuses of one request of each route.
    private static func walk(
        _ depot: TestDepot, showing token: String?
    ) async throws -> [Route: Int] {
        var caller = depot.http
        caller.token = token
        var statuses: [Route: Int] = [:]
        for route in Route.allCases {
            let (method, path) = sample(route)
            let hasBody = method == "POST" || method == "PUT"
            let answer = try await caller.call(
                HTTPMethod(rawValue: method), path,
                body: hasBody ? [ByteBuffer(string: "{}")] : [])
            statuses[route] = answer.status
        }
        return statuses
    }

    @Test func `without a token that is good every route but the open ones is closed`() async throws
    {
        try await TestDepot.run { depot in
            let expired = try await depot.token("expired", .admin, expires: 10)
            let revoked = try await depot.token("revoked", .admin)
            let rotated = try await depot.token("rotated", .admin)
            #expect(try await depot.revoke("revoked") == 204)
            _ = try await depot.rotate("rotated", overlap: 0)
            depot.clock.setWall(ahead: 1)
            for token in [nil, "a-wrong-token-0123456789", expired, revoked, rotated] {
                let statuses = try await Self.walk(depot, showing: token)
                for (route, status) in statuses {
                    let expected = Self.open.contains(route) ? 200...204 : 401...401
                    #expect(expected.contains(status), "\(route) \(token ?? "none")")
                }
            }
        }
    }

    @Test(arguments: AccessScope.allCases) func `a scope opens its routes and no others`(
        _ scope: AccessScope
    ) async throws {
        try await TestDepot.run { depot in
            try await TestDepositor(depot).deposit(
                "here/file", TestDepositor.data(100, seed: 1), level: 1)
            let token = try await depot.token("somebody", scope)
            for (route, status) in try await Self.walk(depot, showing: token) {
                let isOpen = route.rule.scope.map { $0 <= scope } ?? true
                #expect(status != 401 && (status == 403) != isOpen, "\(route) \(status)")
            }
            #expect(try await depot.isThere("here/file") == (scope < .write))
        }
    }

    @Test(arguments: [AccessScope.read, .append, .write])
    func `a token with prefixes reaches nothing else`(_ scope: AccessScope) async throws {
        try await TestDepot.run { depot in
            try await TestDepositor(depot).deposit(
                "here/file", TestDepositor.data(100, seed: 1), level: 1)
            let token = try await depot.token("elsewhere", scope, prefixes: ["here/fil", "other"])
            for (route, status) in try await Self.walk(depot, showing: token) {
                // What has its names in the body is asked below.
                let isOpen =
                    route.rule.reach == .names && (route.rule.scope.map { $0 <= scope } ?? true)
                #expect(status != 401 && (status == 403) != isOpen, "\(route) \(status)")
            }
            #expect(try await depot.isThere("here/file"))
        }
    }
}

extension TestDepot {
    /// Makes a token.
    ///
    /// - Parameter expires: seconds from now.
    func token(
        _ name: String, _ scope: AccessScope, prefixes: [String] = [], expires: Int64? = nil
    ) async throws -> String {
        let secret = "secret-of-\(name)-0123456789"
        let body = NewTokenBody(
            name: try TokenName(name), scope: scope,
            prefixes: try prefixes.map { try FileName($0) },
            expires: expires.map { clock.forServer.timestamp() + $0 },
            digest: try AccessToken(secret).digest)
        let answer = try await http.call(.POST, "/v1/tokens", body: [try WireJSON.encode(body)])
        try #require(answer.status == 200, "\(String(buffer: answer.body))")
        return secret
    }

    func revoke(_ name: String) async throws -> Int {
        try await http.call(.DELETE, "/v1/tokens/\(name)").status
    }

    /// - Returns: the new one.
    func rotate(_ name: String, overlap: Int) async throws -> String {
        let secret = "new-secret-of-\(name)-0123456789"
        let body = RotationBody(digest: try AccessToken(secret).digest, overlapSeconds: overlap)
        let answer = try await http.call(
            .POST, "/v1/tokens/\(name)/rotation", body: [try WireJSON.encode(body)])
        try #require(answer.status == 200, "\(String(buffer: answer.body))")
        return secret
    }

    func isThere(_ name: String) async throws -> Bool {
        try await http.call(.GET, "/v1/files/\(name)/info").status == 200
    }

    /// As somebody else.
    func showing(_ token: String) -> HTTPCaller { HTTPCaller(port: http.port, token: token) }
}
