import DepotCore
import DepotSQLiteCatalog
import DepotTestSupport
import Testing

/// What grows with a file must grow in proportion to it: a tenth and the whole are compared, with room for
/// noise; the figures are printed, not judged.
@Suite(.serialized) struct ScaleTests {
    @Test func `a manifest of 100,000 chunks is staged in pages and committed`() async throws {
        let tenth = try await deposit(chunks: 10_000)
        let whole = try await deposit(chunks: 100_000)
        print("catalog: 10,000 chunks took \(tenth), 100,000 took \(whole)")
        #expect(whole < tenth * 40)
    }

    private func deposit(chunks count: Int) async throws -> Duration {
        try await withCatalog { fixture in
            let catalog = fixture.catalog
            try await fixture.admit(1...3)
            let on = CatalogFixture.replicas(1...3)
            let chunks = try CatalogFixture.chunks(0..<count)
            let file = try CatalogFixture.commit("large", chunks)
            let deposit = try await fixture.open(level: 3)
            let start = ContinuousClock.now
            var laps: [String] = []
            var last = start
            func lap(_ what: String) {
                let now = ContinuousClock.now
                laps.append("\(what) \(now - last)")
                last = now
            }
            for page in stride(from: 0, to: count, by: 5_000) {
                try await fixture.send(
                    Array(chunks[page..<min(count, page + 5_000)]), to: on, in: deposit)
            }
            try await fixture.send([file.manifest.text], to: on, in: deposit)
            lap("send")
            for page in stride(from: 0, to: count, by: 5_000) {
                try await catalog.stage(
                    manifest: file.manifest.text,
                    uses: Array(chunks[page..<min(count, page + 5_000)]),
                    pieces: [], isLast: page + 5_000 >= count, deposit: deposit)
            }
            lap("stage")
            let receipt = try await fixture.outcome(file, in: deposit, copies: 3).receipt
            #expect(receipt.newChunks == count)
            lap("commit")
            for page in stride(from: 0, to: count, by: 50_000) {
                let lacking = try await catalog.negotiate(
                    fixture.open(level: 3), chunks: Array(chunks[page..<min(count, page + 50_000)]),
                    live: on, copies: 3)
                #expect(lacking.isEmpty)
            }
            lap("negotiate known")
            let totals = try await catalog.totals(counting: on)
            #expect(totals.underReplicated == 0)
            lap("totals")
            let used = try await catalog.chunks(of: file.manifest, after: nil, limit: 100_000)
            #expect(used.count == min(count + 1, 100_000))
            lap("statuses")
            try await catalog.closeDeposit(deposit)
            lap("close")
            print("catalog: \(count) chunks: \(laps.joined(separator: ", "))")
            return ContinuousClock.now - start
        }
    }

    @Test func `10,000 names are committed in batches and listed`() async throws {
        try await withCatalog { fixture in
            try await fixture.admit(1...1)
            let on = CatalogFixture.replicas(1...1)
            let chunks = try CatalogFixture.chunks(0..<1)
            let deposit = try await fixture.open(level: 1)
            try await fixture.prepare(chunks, on: on, in: deposit)
            let start = ContinuousClock.now
            for batch in 0..<100 {
                let files = try (0..<100).map {
                    try CatalogFixture.commit("folder/\(batch * 100 + $0)", chunks)
                }
                _ = try await fixture.catalog.commit(
                    files, deposit: deposit, copiesRequired: 1, time: 1)
            }
            let committed = ContinuousClock.now
            let names = try await fixture.catalog.files(
                prefix: "folder/", after: nil, limit: 10_000)
            #expect(names.files.count == 10_000 && !names.hasMore)
            let listed = ContinuousClock.now
            let status = try await fixture.status(chunks[0])
            #expect(status?.target == 1)
            print(
                "catalog: 10,000 commits \(committed - start), list \(listed - committed), "
                    + "target of a chunk of all \(ContinuousClock.now - listed)")
        }
    }
}
