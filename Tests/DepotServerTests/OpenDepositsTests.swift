import DepotCore
import DepotServer
import DepotWire
import NIOCore
import Testing

/// One client's part of the deposits that may be open.
@Suite struct OpenDepositsTests {
    private static func run(_ test: (TestDepot) async throws -> Void) async throws {
        let few = { (configuration: inout FileServerConfiguration) in
            configuration.limits.depositsOfOne = 3
        }
        try await TestDepot.run(replicas: 1, configure: few, test)
    }

    @Test func `a client has a bounded part of the open deposits, and gets it back`() async throws {
        try await Self.run { depot async throws in
            let depositors = (0..<4).map { _ in TestDepositor(depot) }
            for depositor in depositors.prefix(3) {
                #expect(try await depositor.open(level: 1).status == 200)
            }
            let refused = try await depositors[3].open(level: 1)
            #expect(refused.status == 429)
            #expect(String(buffer: refused.body).contains("3 deposits of this client are open"))
            #expect(try await depositors[0].open(level: 1).status == 200, "it is open already")
            // What ends with its request is in no share.
            #expect(try await depot.http.call(.PUT, "/v1/files/plain?level=1").status == 201)
            #expect(try await depositors[1].close().status == 204)
            #expect(try await depositors[3].open(level: 1).status == 200)
        }
    }

    @Test func `a deposit that nobody renews leaves its client's part with its lease`() async throws
    {
        try await Self.run { depot async throws in
            let depositors = (0..<5).map { _ in TestDepositor(depot) }
            for depositor in depositors.prefix(3) {
                #expect(try await depositor.open(level: 1).status == 200)
            }
            // Of a lease of an hour.
            depot.clock.advance(by: .seconds(2_500))
            #expect(try await depositors[0].negotiate([]).isEmpty, "renews it")
            depot.clock.advance(by: .seconds(2_500))
            for depositor in depositors[3...] {
                #expect(try await depositor.open(level: 1).status == 200)
            }
            #expect(try await TestDepositor(depot).open(level: 1).status == 429)
        }
    }

    @Test func `what is refused for another reason counts for nobody`() async throws {
        try await Self.run { depot async throws in
            for _ in 0..<5 {
                #expect(try await TestDepositor(depot).open(level: 3).status == 503)
            }
            let depositor = TestDepositor(depot)
            for level in [1, 3] { _ = try await depositor.open(level: level) }
            for _ in 0..<2 { _ = try await TestDepositor(depot).open(level: 1) }
            #expect(try await TestDepositor(depot).open(level: 1).status == 429)
        }
    }
}
