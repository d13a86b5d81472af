import DepotCore
import DepotTestSupport
import DepotWire
import NIOCore
import Testing

/// Who is let in, and whose word counts.
@Suite(.timeLimit(.minutes(1))) struct AccessTests {
    /// Each route with a request that would be answered, and would change something where the route can.
    static func requests(
        _ held: VerifiedObject, _ token: CondemnToken,
        _ segment: SegmentID = SegmentID(number: 1, nonce: 1)
    ) throws -> [PlainRequest] {
        let list = WireList.encode([held.id])
        let other = ClusterMembership(
            cluster: TestReplica.membership.cluster, epoch: 9, members: [.random()])
        return try ReplicaRoute.allCases.filter { $0 != .health }.map { route in
            switch route {
            case .health, .metrics, .standing, .inventory, .segments:
                PlainRequest("GET", route.rawValue)
            case .objects: .put(.frames(of: [SampleObjects.chunk(2)]))
            case .cluster: PlainRequest("POST", route.rawValue, body: try WireJSON.encode(other))
            case .vouch, .read, .check, .condemn:
                PlainRequest("POST", route.rawValue, body: list)
            case .scrub:
                PlainRequest(
                    "POST", route.rawValue,
                    body: try WireJSON.encode(ScrubBody(segment: segment, offset: 0, budget: 1)))
            case .compact:
                PlainRequest("POST", route.rawValue, body: try WireJSON.encode(segment))
            case .delete:
                PlainRequest("POST", route.rawValue + "?token=\(token.value)", body: list)
            }
        }
    }

    static let wrongAuthorizations: [String?] = [
        nil, "", "Bearer ", "Bearer wrong-token-0123456789", "Bearer \(TestReplica.token)x",
        "Bearer \(TestReplica.token.dropLast())", TestReplica.token,
        "Basic \(TestReplica.token)",
    ]

    @Test(arguments: wrongAuthorizations)
    func `nothing but health is answered without the token, and nothing is changed`(
        _ authorization: String?
    ) async throws {
        let held = SampleObjects.chunk(1)
        let memory = MemoryReplica()
        let storage = FaultyReplica(memory)
        try await TestReplica.run(storage) { replica in
            _ = try await memory.putDurably([held])
            let segment = try #require(try await memory.segments(after: nil, limit: 1).first)
            let requests = try await Self.requests(held, memory.condemn([held.id]), segment.id)
            let calls = Self.calls(of: storage)
            for var request in requests {
                request.authorization = authorization
                let answer = try #require(try await replica.answer(to: request))
                #expect(answer.status == 401, "\(request.method) \(request.path)")
                #expect(answer.error?.code == .unauthorized)
            }
            #expect(Self.calls(of: storage) == calls)
            #expect(memory.held == [held.id])
            #expect(try await memory.standing().membership == TestReplica.membership)
            // With the token they do something. (One makes the sender of the others one of a past epoch.)
            for request in requests where request.path != ReplicaRoute.cluster.rawValue {
                let answer = try #require(try await replica.answer(to: request))
                #expect((200...204).contains(answer.status), "\(request.path)")
            }
            #expect(Self.calls(of: storage) != calls)
        }
    }

    /// All but `standing`, which every answer takes its position from.
    static func calls(of storage: FaultyReplica) -> [FaultyReplica.Operation: Int] {
        let operations = FaultyReplica.Operation.allCases.filter { $0 != .standing }
        return Dictionary(uniqueKeysWithValues: operations.map { ($0, storage.count(of: $0)) })
    }

    @Test func `health is answered to everybody, and says whether writes are taken`() async throws {
        let memory = MemoryReplica()
        try await TestReplica.run(memory) { replica in
            var request = PlainRequest("GET", "/health")
            (request.authorization, request.cluster, request.epoch) = (nil, nil, nil)
            let well = try #require(try await replica.answer(to: request))
            #expect(well.status == 200)
            #expect(try WireJSON.decode(HealthBody.self, from: well.body).status == .ok)
            memory.failWrites()
            let ill = try #require(try await replica.answer(to: request))
            #expect(try WireJSON.decode(HealthBody.self, from: ill.body).status == .failing)
        }
    }

    /// Every route and others that there are not, with methods that they have and have not; and a body that is too large.
    private static let questions: [PlainRequest] = {
        let paths = ReplicaRoute.allCases.map(\.rawValue)
        let others = [
            "/health?x=1", "/health/", "http://replica/health", "/", "/nowhere", "*", "x",
        ]
        let methods = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "NONE"]
        let all = (paths + others).flatMap { path in methods.map { PlainRequest($0, path) } }
        let large = ByteBuffer(repeating: 0, count: WireLimits.bodyBytesMax + 1)
        return all + [PlainRequest("GET", "/health", body: large)]
    }()

    /// `/health` told everybody the replica's UUID, and how much was ever written to it.
    @Test(arguments: wrongAuthorizations, [false, true])
    func `who a replica is, is told only to somebody with the token`(
        _ authorization: String?, isFailing: Bool
    ) async throws {
        let memory = MemoryReplica()
        let storage = FaultyReplica(memory)
        let secrets = [
            memory.id.description, TestReplica.membership.cluster.description, "/a/folder",
        ]
        try await TestReplica.run(storage) { replica in
            if isFailing {
                let error = DepotError(.storeFailed, "\(memory.id): EIO", object: "/a/folder")
                storage.inject(.refuse(error), into: .standing, calls: .all)
            }
            for var request in Self.questions {
                request.authorization = authorization
                let answer = try #require(try await replica.answer(to: request))
                let shown = Comment("\(request.method) \(request.path): \(answer.startLine)")
                #expect(answer.header(ReplicaHeader.replica) == nil, shown)
                #expect(answer.header(ReplicaHeader.position) == nil, shown)
                let text =
                    answer.headers.map { "\($0): \($1)" }.joined() + String(buffer: answer.body)
                for secret in secrets { #expect(!text.contains(secret), shown) }
            }
        }
    }

    /// Who showed the token on a connection may share it with others, through a proxy.
    @Test func `each request on a connection is judged by itself`() async throws {
        let memory = MemoryReplica()
        try await TestReplica.run(memory) { replica in
            let known = PlainRequest("GET", "/health")
            var unknown = known
            unknown.authorization = nil
            let order = [known, unknown, unknown, known, unknown, known]
            let bytes = order.reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1.bytes) }
            try await RawConnection.open(port: replica.port) { connection in
                try await connection.send(bytes)
                for request in order {
                    let answer = try #require(try await connection.message())
                    let expected = request.authorization == nil ? nil : memory.id.description
                    #expect(answer.status == 200)
                    #expect(answer.header(ReplicaHeader.replica) == expected)
                }
            }
        }
    }

    static let claims: [(cluster: String?, epoch: String?, status: Int, code: DepotError.Code)] = [
        (ClusterID.random().description, "3", 421, .clusterMismatch),
        (TestReplica.membership.cluster.description, "2", 412, .epochStale),
        (nil, "3", 400, .invalidArgument),
        (TestReplica.membership.cluster.description, nil, 400, .invalidArgument),
        ("everyone", "3", 400, .invalidArgument),
        (TestReplica.membership.cluster.description, "-1", 400, .invalidArgument),
    ]

    @Test(arguments: claims)
    func `a sender of another cluster or of a past epoch changes nothing`(
        cluster: String?, epoch: String?, status: Int, code: DepotError.Code
    ) async throws {
        let held = SampleObjects.chunk(1)
        let memory = MemoryReplica()
        let storage = FaultyReplica(memory)
        try await TestReplica.run(storage) { replica in
            _ = try await memory.putDurably([held])
            let calls = Self.calls(of: storage)
            for var request in try await Self.requests(held, memory.condemn([held.id])) {
                let isForAll = [ReplicaRoute.metrics, .standing, .cluster].contains { route in
                    request.path == route.rawValue
                }
                if isForAll { continue }
                (request.cluster, request.epoch) = (cluster, epoch)
                let answer = try #require(try await replica.answer(to: request))
                #expect(answer.status == status, "\(request.path)")
                #expect(answer.error?.code == code)
            }
            #expect(Self.calls(of: storage) == calls)
            #expect(memory.held == [held.id])
        }
    }

    @Test func `a replica that belongs to nobody takes nothing`() async throws {
        let memory = MemoryReplica()
        let replica = try await TestReplica.start(memory)
        let answer = try await replica.answer(to: .put(.frames(of: [SampleObjects.chunk(1)])))
        await replica.stop()
        #expect(answer?.error?.code == .clusterMismatch)
        #expect(memory.held.isEmpty)
    }

    @Test func `a later epoch is let in`() async throws {
        try await TestReplica.run(MemoryReplica()) { replica in
            var request = PlainRequest("GET", ReplicaRoute.inventory.rawValue)
            request.epoch = "4"
            let answer = try await replica.answer(to: request)
            #expect(answer?.status == 200)
        }
    }
}
