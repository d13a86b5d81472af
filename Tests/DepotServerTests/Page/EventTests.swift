import DepotCluster
import DepotCore
import DepotTestSupport
import DepotWire
import NIOCore
import NIOHTTP1
import NIOPosix
import Testing

@testable import DepotServer

/// Whoever has the page open is told of what changes, and takes nothing from others.
@Suite(.timeLimit(.minutes(2))) struct EventTests {
    private static func overview(_ answer: HTTPCaller.Answer) throws -> OverviewBody {
        let text = String(buffer: answer.body)
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("data: ") })
        return try WireJSON.decode(
            OverviewBody.self, from: ByteBuffer(substring: line.dropFirst(6)))
    }

    @Test func `an event is the overview`() async throws {
        try await TestDepot.run { depot in
            try await TestDepositor(depot).deposit(
                "file", TestDepositor.data(1_000, seed: 1), level: 2)
            let answer = try await depot.http.call(.GET, "/v1/events?once=true")
            #expect(answer.headers.first(name: "content-type") == "text/event-stream")
            #expect(answer.headers.first(name: "cache-control") == "no-store")
            let overview = try Self.overview(answer)
            #expect(overview.status.files == 1 && overview.repair.waiting == 0)
            let asked = try await depot.http.call(.GET, "/v1/overview").json(OverviewBody.self)
            #expect(asked.status.files == 1)
            let traffic = try await depot.http.call(.GET, "/v1/traffic").json(TrafficBody.self)
            #expect(traffic.requests.reduce(0, +) > 0)
            #expect(traffic.requests.count == TrafficRing.slotCount)
        }
    }

    @Test func `streams are bounded, in all and for each client`() throws {
        let streams = EventStreams(connections: 32, clock: TestClock().forServer) {
            () throws(DepotError) in throw DepotError(.busy, "nobody asks in this test")
        }
        let here = Borrower(token: "a", address: "1")
        var open = try (0..<4).map { _ in try streams.open(for: here) }
        #expect(throws: DepotError.self) { try streams.open(for: here) }
        open += try (0..<4).map { try streams.open(for: Borrower(token: "\($0)", address: "2")) }
        #expect(throws: DepotError.self) {
            try streams.open(for: Borrower(token: "b", address: "3"))
        }
        #expect(streams.count == 8)
        open.removeAll()
        #expect(streams.count == 0)
        let last = try streams.open(for: here)
        streams.end()
        #expect(throws: DepotError.self) { try streams.open(for: here) }
        withExtendedLifetime(last) {}
    }

    private static func crowd(_ configuration: inout FileServerConfiguration) {
        configuration.limits.connections = 16
        configuration.transfers.lookInterval = .milliseconds(10)
    }

    /// Listeners hold places, and whoever wants one gets it.
    @Test func `a stream makes place for whoever asks`() async throws {
        try await TestDepot.run(configure: Self.crowd) { depot in
            let port = depot.http.port
            let tokens = [
                try await depot.token("first", .read), try await depot.token("second", .read),
            ]
            // There are twelve places for those who have a token, four of which may be streams.
            var streams: [OpenStream] = []
            for token in tokens + tokens {
                streams.append(try await OpenStream(port: port, token: token))
            }
            try await depot.eventually("streams are open") {
                streams.allSatisfy { $0.status == 200 }
            }
            let more = try await OpenStream(port: port, token: tokens[0])
            try await depot.eventually("no more of them") {
                more.status == 503 || more.status == 429
            }
            try await more.close()
            // The others are taken by uploads that have only begun.
            var uploads: [OpenStream] = []
            for number in 0..<8 {
                uploads.append(
                    try await OpenStream(
                        port: port, token: TestDepot.token, "PUT",
                        path: "/v1/files/\(number)?level=1", declared: 10))
            }
            try await Task.sleep(for: .milliseconds(200))
            #expect(try await depot.http.call(.GET, "/v1/files").status == 200)
            #expect(uploads.allSatisfy { !$0.isClosed })
            try await depot.eventually("one stream has made place") {
                streams.contains { $0.isClosed }
            }
            for one in streams + uploads { try await one.close() }
        }
    }

    @Test func `a stream ends with its token, and with the server`() async throws {
        try await TestDepot.inFolder { folder in
            let replicas = [FakeReplica(), FakeReplica(), FakeReplica()]
            let running = try await TestDepot.launch(on: replicas, in: folder)
            let depot = running.depot
            let token = try await depot.token("passing", .read)
            let revoked = try await OpenStream(port: depot.http.port, token: token)
            let kept = try await OpenStream(port: depot.http.port, token: TestDepot.token)
            try await depot.eventually("streams are open") {
                revoked.status == 200 && kept.status == 200
            }
            #expect(try await depot.revoke("passing") == 204)
            replicas[2].mood = .unreachable
            try await depot.eventually("the other one goes on") {
                kept.text.contains("does not answer")
            }
            try await depot.eventually("it was told of nothing more, and ended") {
                revoked.text.hasSuffix("0\r\n\r\n")
            }
            #expect(!revoked.text.contains("does not answer"))
            try await running.stop()
            try await depot.eventually("nothing is left") { kept.isClosed }
        }
    }

    @Test func `a replica that is away is told of without being asked`() async throws {
        try await TestDepot.run { depot in
            let stream = try await OpenStream(port: depot.http.port, token: TestDepot.token)
            depot.replicas[2].mood = .unreachable
            try await depot.eventually("an event tells of it") {
                stream.text.contains("does not answer")
            }
            try await stream.close()
        }
    }
}
