import DepotCore
import DepotSQLite
import DepotTestSupport
import GRDB
import Testing

@testable import DepotSQLiteCatalog

/// A bit that stood for a member's copies is nobody's until no mask has it.
@Suite struct FormerBitTests {
    private static let chunks = Result { try CatalogFixture.chunks(0..<9) }

    private func withFile(
        _ body: (SQLiteCatalog, CatalogFixture) async throws -> Void
    ) async throws {
        try await withCatalog { fixture in
            let catalog = try #require(fixture.catalog as? SQLiteCatalog)
            try await fixture.admit(1...3)
            try await fixture.deposit(
                "file", Self.chunks.get(), on: CatalogFixture.replicas(1...3), level: 2)
            try await body(catalog, fixture)
        }
    }

    private func loseLog(of number: UInt8, _ catalog: SQLiteCatalog) async throws {
        let continued = try await catalog.observe(
            LogPosition(opens: 0, segment: 0, offset: 0), of: CatalogFixture.replica(number),
            asOf: catalog.mark())
        #expect(!continued)
    }

    private func bits(_ catalog: SQLiteCatalog) async throws -> [Int] {
        try await catalog.queue.view {
            try $0.statement("SELECT bit FROM former_bit ORDER BY bit").all { try $0.get(0) }
        }
    }

    /// Whether a mask of a chunk or a pin has the bit.
    private func isSet(_ bit: Int, _ catalog: SQLiteCatalog) async throws -> Bool {
        try await catalog.queue.view {
            try $0.statement(
                """
                SELECT EXISTS (SELECT 1 FROM chunk WHERE ((good | unproved) >> ?1) & 1)
                    OR EXISTS (SELECT 1 FROM pin_page WHERE (vouched >> ?1) & 1)
                """
            ).first(bit) { try $0.get(0) } ?? true
        }
    }

    @Test(arguments: [false, true])
    func `a bit is free when all of its masks are clear, and not before`(
        isForgotten: Bool
    ) async throws {
        try await withFile { catalog, fixture in
            if isForgotten {
                try await catalog.forget(CatalogFixture.replica(1))
            } else {
                try await loseLog(of: 1, catalog)
            }
            #expect(try await bits(catalog) == [0])
            var steps = 0
            while try await !bits(catalog).isEmpty {
                #expect(try await (isSet(0, catalog) || steps > 4))
                // Whoever comes in between gets another one.
                if steps == 2 { try await fixture.admit(4...4) }
                let state = try await fixture.state(Self.chunks.get()[8], on: 1)
                #expect(state == (isForgotten ? nil : .unproved))
                try await catalog.queue.change { try FormerBits($0, clearedAtOnce: 2).step() }
                steps += 1
            }
            #expect(steps > 5 && steps < 20)
            #expect(try await !isSet(0, catalog))
            try await fixture.admit(5...5)
            let states = try await fixture.status(Self.chunks.get()[0])
            #expect(states?.holdings.allSatisfy { $0.replica < CatalogFixture.replica(4) } == true)
        }
    }

    @Test func `a bit waits for the deposits that it was vouched to`() async throws {
        try await withFile { catalog, fixture in
            let other = try CatalogFixture.chunk("other")
            let deposit = try await fixture.open(level: 1)
            try await fixture.send([other], to: CatalogFixture.replicas(1...1), in: deposit)
            try await catalog.forget(CatalogFixture.replica(1))
            // Those that come later are not waited for.
            _ = try await fixture.open(level: 1)
            while try await catalog.catchUp() {}
            #expect(try await bits(catalog) == [0])
            try await catalog.closeDeposit(deposit)
            #expect(try await catalog.catchUp())
            #expect(try await bits(catalog).isEmpty)
            #expect(try await !catalog.catchUp())
        }
    }

    @Test func `one that is given up while others are cleared waits for the next round`()
        async throws
    {
        try await withFile { catalog, fixture in
            try await loseLog(of: 1, catalog)
            for _ in 0..<3 {
                try await catalog.queue.change { try FormerBits($0, clearedAtOnce: 2).step() }
            }
            try await catalog.forget(CatalogFixture.replica(2))
            for _ in 0..<30 {
                try await catalog.queue.change { try FormerBits($0, clearedAtOnce: 2).step() }
                for bit in [0, 1] where try await !bits(catalog).contains(bit) {
                    #expect(try await !isSet(bit, catalog), "bit \(bit)")
                }
            }
            #expect(try await bits(catalog).isEmpty)
        }
    }

    @Test func `where all bits are taken it is all done at once`() async throws {
        try await withCatalog { fixture in
            let catalog = try #require(fixture.catalog as? SQLiteCatalog)
            try await fixture.admit(1...63)
            let chunk = try CatalogFixture.chunk("chunk")
            try await fixture.deposit("file", [chunk], on: CatalogFixture.replicas(62...63))
            try await loseLog(of: 63, catalog)
            #expect(try await bits(catalog).isEmpty)
            let states = try await [fixture.state(chunk, on: 62), fixture.state(chunk, on: 63)]
            #expect(states == [.good, .unproved])
            try await catalog.forget(CatalogFixture.replica(62))
            try await fixture.admit(64...64)
            #expect(try await bits(catalog).isEmpty)
            let left = try await fixture.status(chunk)?.holdings
            #expect(left == [Holding(replica: CatalogFixture.replica(63), state: .unproved)])
        }
    }

    /// Damage, or a slip: whose copies would that be?
    @Test func `a bit that is nobody's is told`() async throws {
        try await withFile { catalog, fixture in
            try await catalog.queue.change {
                try $0.database.execute(sql: "UPDATE chunk SET good = good | 64")
            }
            let error = await thrown { _ = try await fixture.status(Self.chunks.get()[0]) }
            #expect(error?.code == .storeFailed)
        }
    }
}
