import DepotCore
import DepotTestSupport
import Testing

@testable import DepotSQLiteCatalog

/// Ids that a client invents filled the catalog at 25 GiB an hour: each negotiation added rows that stayed at least until a
/// collection after a day, and nothing bounded leases or pins.
@Suite struct ClaimLimitTests {
    private func withLimits(
        _ change: (inout ClaimLimits) -> Void, _ body: (CatalogFixture) async throws -> Void
    ) async throws {
        var limits = ClaimLimits()
        change(&limits)
        try await withFolder { folder in
            let time = ManualClock()
            let catalog = try await SQLiteCatalog.open(
                at: folder + "/catalog", clock: time.clock, claims: limits)
            let fixture = CatalogFixture(catalog: catalog) { time.advance($0) }
            try await fixture.admit(1...2)
            try await body(fixture)
            try catalog.close()
        }
    }

    @Test func `names that nobody has a chunk of take no room`() async throws {
        try await withLimits { _ in
        } _: { fixture in
            let catalog = try #require(fixture.catalog as? SQLiteCatalog)
            let deposit = try await fixture.open(level: 1)
            let before = try await catalog.everything()
            for page in 0..<5 {
                let named = try CatalogFixture.chunks(page * 50_000..<(page + 1) * 50_000)
                let lacking = try await catalog.negotiate(
                    deposit, chunks: named, live: [], copies: 1)
                #expect(lacking == named)
            }
            let after = try await catalog.everything()
            // The lease and the time.
            func kept(_ lines: [String]) -> [String] { lines.filter { !$0.hasPrefix("cluster") } }
            #expect(kept(after) == kept(before))
        }
    }

    /// Older depots noted what clients named, with a length that nobody had measured.
    @Test func `a length that nobody has measured binds nobody, and no check makes it true`()
        async throws
    {
        try await withLimits { _ in
        } _: { fixture in
            let catalog = try #require(fixture.catalog as? SQLiteCatalog)
            let right = try CatalogFixture.chunk("claimed", length: 10)
            let wrong = try ChunkReference(id: right.id, length: 7)
            try await catalog.queue.change {
                try $0.statement("INSERT INTO chunk (hash, length) VALUES (?, ?)")
                    .run(wrong.id, wrong.length)
            }
            for verdict in [CheckVerdict.good, .bad] {
                try await fixture.settle(wrong, verdict, on: 1)
                #expect(try await fixture.state(wrong, on: 1) == nil)
            }
            let deposit = try await fixture.open(level: 1)
            try await fixture.send([right], to: CatalogFixture.replicas(1...1), in: deposit)
            #expect(try await fixture.status(right)?.reference == right)
            try await catalog.prove(
                BarrierProof(durable: [wrong: CatalogFixture.replicas(2...2)]),
                asOf: catalog.mark(), deposit: deposit)
            #expect(try await fixture.status(right)?.reference == right)
            #expect(try await fixture.state(right, on: 2) == nil)
        }
    }

    @Test func `pins take no more than what they are of`() async throws {
        try await withLimits {
            $0.pins = 0
        } _: { fixture in
            let on = CatalogFixture.replicas(1...2)
            let chunks = try CatalogFixture.chunks(0..<100)
            for _ in 1...4 { try await fixture.send(chunks, to: on, in: fixture.open(level: 2)) }
            let fifth = try await fixture.open(level: 2)
            await fixture.expect(.busy) {
                _ = try await fixture.catalog.negotiate(fifth, chunks: chunks, live: on, copies: 2)
            }
        }
    }

    @Test func `so many deposits are open, and no more until one ends`() async throws {
        try await withLimits {
            $0.deposits = 3
        } _: { fixture in
            let first = try await fixture.open(level: 1)
            for _ in 0..<2 { _ = try await fixture.open(level: 1) }
            await fixture.expect(.busy) { _ = try await fixture.open(level: 1) }
            // One that is open may be opened again.
            try await fixture.catalog.openDeposit(
                DepositOpening(
                    deposit: first, level: ReplicationLevel(1), lease: CatalogFixture.lease))
            try await fixture.catalog.closeDeposit(first)
            _ = try await fixture.open(level: 1)
            fixture.advance(CatalogFixture.lease)
            for _ in 0..<3 { _ = try await fixture.open(level: 1) }
        }
    }
}
