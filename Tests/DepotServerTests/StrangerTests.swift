import DepotTestSupport
import DepotWire
import NIOCore
import Testing

/// Connections of those who have no token.
@Suite(.timeLimit(.minutes(1))) struct StrangerTests {
    /// 256 silent ones locked out every client.
    @Test func `silent connections lock nobody out`() async throws {
        try await TestDepot.run(replicas: 1) {
            $0.limits.connections = 16
        } _: { depot in
            try await Self.withSilent(40, depot.http.port) {
                for _ in 0..<3 {
                    let answer = try await depot.http.call(.GET, "/v1/status")
                    #expect(answer.status == 200)
                }
            }
        }
    }

    private static func withSilent(
        _ count: Int, _ port: Int, _ body: () async throws -> Void
    ) async throws {
        guard count > 0 else { return try await body() }
        try await RawConnection.open(port: port) { _ in
            try await withSilent(count - 1, port, body)
        }
    }

    /// Each byte began the time anew, so that a head could be sent for ever.
    @Test func `a head that trickles in has a time in total`() async throws {
        try await TestDepot.run(replicas: 1) {
            $0.timing.idleLimit = .seconds(1)
        } _: { depot in
            try await RawConnection.open(port: depot.http.port) { connection in
                try await connection.send("GET /v1/status HTTP/1.1\r\nx: ")
                let began = ContinuousClock.now
                while ContinuousClock.now - began < .seconds(20) {
                    do { try await connection.send("y") } catch { break }
                    // What a slow sender does between two bytes.
                    try await Task.sleep(for: .milliseconds(50))
                }
                #expect(ContinuousClock.now - began < .seconds(20))
                #expect(await connection.rest().readableBytes == 0)
            }
        }
    }
}
