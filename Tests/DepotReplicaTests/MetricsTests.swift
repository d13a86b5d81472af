import DepotCore
import DepotMetrics
import DepotReplica
import DepotTestSupport
import DepotWire
import NIOCore
import Testing

/// What a replica tells at `/metrics`, and to whom.
@Suite(.timeLimit(.minutes(2))) struct MetricsTests {
    private static let token = "metrics-token-of-the-tests"

    private func run(
        _ storage: any ChunkStorage, _ body: (TestReplica) async throws -> Void
    ) async throws {
        let token = try AccessToken(Self.token)
        try await TestReplica.run(storage, { $0.metricsToken = token }, body)
    }

    private static func scrape(
        _ method: String = "GET", _ path: String = "/metrics", showing token: String? = token
    ) -> PlainRequest {
        var request = PlainRequest(method, path)
        request.authorization = token.map { "Bearer \($0)" }
        (request.cluster, request.epoch) = (nil, nil)
        return request
    }

    @Test func `metrics are the text that Prometheus reads, and are all on the list`() async throws
    {
        let memory = MemoryReplica()
        try await run(memory) { replica in
            let object = SampleObjects.chunk(1)
            let stored = try await replica.answer(to: .put(.frames(of: [object])))
            #expect(stored?.status == 204)
            let remote = try replica.remote()
            _ = try await remote.standing()
            _ = try await remote.vouch(for: [object.id])
            _ = try await remote.read([object.id])
            let answer = try #require(try await replica.answer(to: Self.scrape()))
            #expect(answer.status == 200)
            #expect(
                answer.header("content-type") == "text/plain; version=0.0.4; charset=utf-8")
            let lines = String(buffer: answer.body).split(separator: "\n").map(String.init)
            let families = lines.filter { $0.hasPrefix("# TYPE ") }
                .map { String($0.split(separator: " ")[2]) }
            #expect(Set(families).isSubset(of: MetricFamily.ofReplica.map(\.name)))
            for line in [
                "depot_store_chunks 1", "depot_store_writable 1",
                "depot_store_written_objects_total{kind=\"chunk\"} 1",
                "depot_store_written_bytes_total{kind=\"chunk\"} \(object.length)",
                "depot_store_read_objects_total{kind=\"chunk\"} 1",
                "depot_store_barrier_duration_seconds_count 1",
                "depot_http_requests_total{route=\"objects\",status=\"2xx\"} 1",
                "depot_http_requests_total{route=\"compact\",status=\"5xx\"} 0",
            ] { #expect(lines.contains(line), "\(line)") }
            #expect(!lines.contains { $0.contains(object.id.hash.hex) })
            #expect(!lines.contains { $0.contains(Self.token) || $0.contains(TestReplica.token) })
            #expect(!lines.contains { $0.contains(memory.id.description) })
            #expect(answer.header(ReplicaHeader.replica) == nil, "whoever watches is a stranger")
            #expect(answer.header(ReplicaHeader.position) == nil)
        }
    }

    @Test func `a store that cannot say how it is is told as one that takes no writes`()
        async throws
    {
        let storage = FaultyReplica(MemoryReplica())
        try await run(storage) { replica in
            storage.inject(
                .refuse(DepotError(.storeFailed, "EIO", object: "/a/folder")), into: .standing,
                calls: .all)
            let answer = try #require(try await replica.answer(to: Self.scrape()))
            let text = String(buffer: answer.body)
            #expect(text.contains("\ndepot_store_writable 0\n"))
            #expect(!text.contains("depot_store_free_bytes") && !text.contains("/a/folder"))
        }
    }

    @Test func `segments are told when somebody has asked before`() async throws {
        let memory = MemoryReplica()
        try await run(memory) { replica in
            _ = try await memory.putDurably([SampleObjects.chunk(1)])
            let deadline = ContinuousClock.now + .seconds(10)
            while ContinuousClock.now < deadline {
                let answer = try #require(try await replica.answer(to: Self.scrape()))
                if String(buffer: answer.body).contains("\ndepot_store_segments 1\n") { return }
                try await Task.sleep(for: .milliseconds(5))
            }
            Issue.record("nobody looked at the segments")
        }
    }

    // MARK: Who may watch

    private static let wrongTokens: [String?] = [
        nil, "", "wrong-token-0123456789", token + "x", String(token.dropLast()),
    ]

    @Test(arguments: wrongTokens)
    func `without its token, or the cluster's, metrics are closed`(_ token: String?) async throws {
        try await run(MemoryReplica()) { replica in
            let answer = try await replica.answer(to: Self.scrape(showing: token))
            #expect(answer?.status == 401)
            let known = try await replica.answer(to: Self.scrape(showing: TestReplica.token))
            #expect(known?.status == 200)
        }
    }

    @Test func `where no token is given for them, only the cluster's opens the metrics`()
        async throws
    {
        try await TestReplica.run(MemoryReplica()) { replica in
            for token in Self.wrongTokens + [Self.token] {
                let answer = try await replica.answer(to: Self.scrape(showing: token))
                #expect(answer?.status == 401)
            }
            let known = try await replica.answer(to: Self.scrape(showing: TestReplica.token))
            #expect(known?.status == 200)
        }
    }

    @Test func `the token of the metrics opens nothing else, and changes nothing`() async throws {
        let held = SampleObjects.chunk(1)
        let memory = MemoryReplica()
        let storage = FaultyReplica(memory)
        try await run(storage) { replica in
            _ = try await memory.putDurably([held])
            let segment = try #require(try await memory.segments(after: nil, limit: 1).first)
            let calls = AccessTests.calls(of: storage)
            var requests = try await AccessTests.requests(
                held, memory.condemn([held.id]), segment.id
            ).filter { $0.path != ReplicaRoute.metrics.rawValue }
            #expect(requests.count == ReplicaRoute.allCases.count - 2)
            requests += ["POST", "PUT", "DELETE", "OPTIONS"].map {
                Self.scrape($0)
            }
            requests += ["/metrics/", "/metrics/x", "/Metrics", "//metrics", "/r1/../metrics"].map {
                Self.scrape("GET", $0)
            }
            for var request in requests {
                request.authorization = "Bearer \(Self.token)"
                let answer = try #require(try await replica.answer(to: request))
                #expect(answer.status == 401, "\(request.method) \(request.path)")
            }
            #expect(AccessTests.calls(of: storage) == calls)
            #expect(memory.held == [held.id])
        }
    }

    /// Whoever showed the token of the metrics on a connection has not opened the others.
    @Test func `each request on a connection is judged by itself`() async throws {
        try await run(MemoryReplica()) { replica in
            let scrape = Self.scrape()
            var standing = Self.scrape("GET", ReplicaRoute.standing.rawValue)
            standing.authorization = scrape.authorization
            try await RawConnection.open(port: replica.port) { connection in
                try await connection.send(scrape.bytes)
                #expect(try await connection.message()?.status == 200)
                try await connection.send(standing.bytes)
                #expect(try await connection.message()?.status == 401)
            }
        }
    }
}
