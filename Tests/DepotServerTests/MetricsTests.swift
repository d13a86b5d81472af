import DepotCluster
import DepotCore
import DepotMetrics
import DepotTestSupport
import DepotWire
import NIOCore
import Testing

@testable import DepotServer

/// What a FileServer tells at `/metrics`, and to whom.
@Suite(.timeLimit(.minutes(2))) struct MetricsTests {
    @Test func `metrics are the text that Prometheus reads, and are all on the list`() async throws
    {
        try await TestDepot.run { depot in
            let answer = try await depot.http.call(.GET, "/metrics")
            #expect(answer.status == 200)
            #expect(
                answer.headers.first(name: "content-type")
                    == "text/plain; version=0.0.4; charset=utf-8")
            let scrape = Scrape(answer)
            #expect(scrape.families.isSubset(of: MetricFamily.ofFileServer.map(\.name)))
            #expect(scrape.value("depot_build_info{role=\"fileserver\",version=\"test\"}") == 1)
            #expect(scrape.value("depot_replica_up{replica=\"r1:7401\"}") == 1)
            #expect(scrape.value("depot_fileserver_writable") == 1)
            #expect(scrape.value("depot_members") == 3)
            #expect(try #require(scrape.value("process_resident_memory_bytes")) > 1_000_000)
            #expect(scrape.value("depot_memory_budget_bytes{budget=\"deposits\"}") == 41_943_040)
        }
    }

    @Test func `requests are counted by what they ask for and what came of it`() async throws {
        try await TestDepot.run { depot in
            let content = TestDepositor.data(5_000, seed: 1)
            let put = try await depot.http.call(
                .PUT, "/v1/files/some%2Fname?level=2", body: [content])
            #expect(put.status == 201)
            _ = try await depot.http.call(.GET, "/v1/files/some/name/content")
            _ = try await depot.http.call(.GET, "/v1/files/other/content")
            _ = try await depot.http.call(.GET, "/nothing")
            var stranger = depot.http
            stranger.token = nil
            #expect(try await stranger.call(.GET, "/metrics").status == 401)
            let scrape = try await depot.scrape()
            #expect(scrape.value("depot_http_requests_total{route=\"put\",status=\"2xx\"}") == 1)
            #expect(scrape.value("depot_http_received_bytes_total{route=\"put\"}") == 5_000)
            #expect(scrape.value("depot_http_sent_bytes_total{route=\"content\"}") ?? 0 >= 5_000)
            #expect(
                scrape.value("depot_http_requests_total{route=\"content\",status=\"4xx\"}") == 1)
            #expect(scrape.value("depot_http_requests_total{route=\"none\",status=\"4xx\"}") == 1)
            #expect(
                scrape.value("depot_http_request_duration_seconds_count{route=\"content\"}") == 2)
            #expect(scrape.value("depot_http_requests_total{route=\"purge\",status=\"5xx\"}") == 0)
            #expect(scrape.value("depot_http_refused_total") == 1)
        }
    }

    /// Whoever watches must learn nothing of what is stored, and whoever reads what was watched
    /// must not come in by it.
    @Test func `no name of a file, no token, no chunk and no reason is in the metrics`()
        async throws
    {
        try await TestDepot.run { depot in
            let token = try await depot.token("a-tokens-name", .write)
            let chunk = ByteBuffer(string: "a secret content")
            let writer = depot.showing(token)
            let put = try await writer.call(
                .PUT, "/v1/files/secret-file-name?level=1", body: [chunk])
            #expect(put.status == 201)
            _ = try await writer.call(.GET, "/v1/files/secret-file-name/content")
            _ = try await writer.call(.GET, "/v1/files/secret-missing-name/content")
            _ = try await writer.call(.GET, "/secret-path?secret-query=1")
            depot.replicas[0].mood = .unreachable
            try await depot.eventually("a census is taken") {
                try await depot.scrape().value("depot_files") == 1
            }
            let text = try await depot.scrape().text
            for secret in [
                "secret", "a-tokens-name", TestDepot.token, token,
                ChunkID(hashing: chunk).hex, AccessTable.administrator,
            ] { #expect(!text.contains(secret), "\(secret)") }
        }
    }

    @Test func `what lacks copies is told by a census`() async throws {
        try await TestDepot.run { depot in
            try await TestDepositor(depot).deposit(
                "file", TestDepositor.data(100, seed: 1), level: 2)
            try await depot.eventually("the census knows the file") {
                let scrape = try await depot.scrape()
                return scrape.value("depot_files") == 1
                    && scrape.value("depot_chunks_under_replicated") == 0
            }
            let scrape = try await depot.scrape()
            #expect(scrape.value("depot_chunks_unreadable") == 0)
            #expect(scrape.value("depot_files_degraded") == 0)
            #expect(scrape.value("depot_logical_bytes") == 100)
            #expect(scrape.value("depot_holdings{replica=\"r1:7401\",state=\"bad\"}") == 0)
            let good = (1...3).map {
                scrape.value("depot_holdings{replica=\"r\($0):7401\",state=\"good\"}") ?? -1
            }
            #expect(good.reduce(0, +) == 2)
            #expect(try #require(scrape.value("depot_census_age_seconds")) < 60)
            #expect(scrape.value("depot_catalog_view_duration_seconds_count") == nil, "not given")
        }
    }

    @Test func `a replica that is down is told as such`() async throws {
        try await TestDepot.run { depot in
            depot.replicas[1].mood = .unreachable
            try await depot.eventually("it is down") {
                try await depot.scrape().value("depot_replica_up{replica=\"r2:7401\"}") == 0
            }
            let scrape = try await depot.scrape()
            let state = "depot_replica_state{replica=\"r2:7401\",state"
            #expect(scrape.value("\(state)=\"down\"}") == 1)
            #expect(scrape.value("\(state)=\"up\"}") == 0)
            #expect(scrape.value("depot_replica_up{replica=\"r1:7401\"}") == 1)
            #expect(scrape.value("depot_members_writable") == 2)
            #expect(scrape.value("depot_fileserver_writable") == 1, "a majority is there")
            depot.replicas[2].mood = .unreachable
            try await depot.eventually("nothing is written") {
                try await depot.scrape().value("depot_fileserver_writable") == 0
            }
        }
    }

    // MARK: Who may watch

    @Test func `a token that observes opens metrics, status and coverage, and reads nothing`()
        async throws
    {
        try await TestDepot.run { depot in
            try await TestDepositor(depot).deposit(
                "here/file", TestDepositor.data(100, seed: 1), level: 1)
            let observer = depot.showing(try await depot.token("prometheus", .observe))
            for path in ["/metrics", "/v1/status", "/v1/coverage"] {
                #expect(try await observer.call(.GET, path).status == 200, "\(path)")
            }
            for path in [
                "/v1/files", "/v1/files/here/file/content", "/v1/files/here/file/info",
                "/v1/policies", "/v1/tokens",
            ] { #expect(try await observer.call(.GET, path).status == 403, "\(path)") }
            let reader = depot.showing(
                try await depot.token("some", .read, prefixes: ["here"]))
            #expect(try await reader.call(.GET, "/metrics").status == 403)
        }
    }

    @Test func `what a replica misreads and repair mends is counted`() async throws {
        try await TestDepot.run { depot in
            let file = try TestDepositor.file(TestDepositor.data(100, seed: 1))
            try await depot.deposit("file", TestDepositor.data(100, seed: 1), level: 3)
            let chunk = try #require(file.chunks.first)
            depot.replicas[1].corrupt(chunk.id)
            _ = try await depot.verify()
            let scrape = try await depot.scrape()
            let found = "depot_replica_corrupt_copies_total{replica"
            #expect(scrape.value("\(found)=\"r2:7401\"}") ?? 0 >= 1)
            #expect(scrape.value("\(found)=\"r1:7401\"}") == 0)
            #expect(scrape.value("depot_repair_copies_total") == 1)
            #expect(scrape.value("depot_repair_bytes_total") == 100)
            #expect(scrape.value("depot_barrier_duration_seconds_count") ?? 0 >= 1)
        }
    }

    @Test func `a token that observes has no prefixes`() async throws {
        try await TestDepot.run { depot in
            let body = NewTokenBody(
                name: try TokenName("prometheus"), scope: .observe,
                prefixes: [try FileName("here")], expires: nil,
                digest: try AccessToken("secret-0123456789abcdef").digest)
            let answer = try await depot.http.call(
                .POST, "/v1/tokens", body: [try WireJSON.encode(body)])
            #expect(answer.error?.code == .invalidArgument)
        }
    }
}

extension TestDepot {
    func scrape() async throws -> Scrape { Scrape(try await http.call(.GET, "/metrics")) }
}

/// An answer of `/metrics`, taken apart.
struct Scrape {
    let text: String
    private let values: [Substring: Double]

    init(_ answer: HTTPCaller.Answer) {
        text = String(buffer: answer.body)
        let samples = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.compactMap {
            line -> (Substring, Double)? in
            guard let space = line.lastIndex(of: " "),
                let value = Double(line[line.index(after: space)...])
            else { return nil }
            return (line[..<space], value)
        }
        values = Dictionary(samples) { first, _ in first }
    }

    /// - Parameter series: name and labels, as they stand there.
    func value(_ series: String) -> Double? { values[Substring(series)] }

    var families: Set<String> {
        Set(
            text.split(separator: "\n").filter { $0.hasPrefix("# TYPE ") }
                .map { String($0.split(separator: " ")[2]) })
    }
}
