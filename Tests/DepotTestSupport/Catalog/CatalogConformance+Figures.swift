import DepotCore
import Testing

extension CatalogConformance {
    static let retrievals: [CatalogBehaviour] = [
        CatalogBehaviour("a retrieval reads the manifest that it began with") { fixture in
            try await fixture.admit(1...1)
            let on = Fixture.replicas(1...1)
            let old = try await fixture.deposit("file", Fixture.chunks(0..<1), on: on)
            let retrieval = RetrievalID.random()
            let found = try await fixture.catalog.openRetrieval(
                retrieval, of: [old.name, FileName("other")], lease: Fixture.lease)
            let files = try found.map { result -> ChunkReference? in
                do throws(DepotError) {
                    return try result.get().manifest.text
                } catch {
                    try #require(error.code == .notFound)
                    return nil
                }
            }
            #expect(files == [old.manifest.text, nil])
            try await fixture.deposit("file", Fixture.chunks(1..<2), on: on)
            try await fixture.catalog.markUnused()
            try await fixture.catalog.renewRetrieval(retrieval, lease: Fixture.lease)
            let read = try await fixture.catalog.chunks(
                of: old.manifest, after: nil, limit: 10, assuming: nil)
            let content = try Fixture.chunks(0..<1)
            #expect(read.map(\.reference).contains(content[0]))
        },
        CatalogBehaviour("one lease holds the files of a retrieval, as long as any is read") {
            fixture in
            try await fixture.admit(1...1)
            let on = Fixture.replicas(1...1)
            for (name, chunk) in [("a", 0), ("b", 1)] {
                try await fixture.deposit(name, Fixture.chunks(chunk..<chunk + 1), on: on)
            }
            let retrieval = RetrievalID.random()
            _ = try await fixture.catalog.openRetrieval(
                retrieval, of: [FileName("a"), FileName("b")], lease: Fixture.lease)
            for name in ["a", "b"] { _ = try await fixture.delete(name) }
            fixture.advance(.seconds(400))
            try await fixture.catalog.renewRetrieval(retrieval, lease: Fixture.lease)
            fixture.advance(.seconds(400))
            try await fixture.catalog.markUnused()
            let held = try await fixture.catalog.collectionPlan(grace: .zero)
            #expect(held.unusedChunks == 0)
            try await fixture.catalog.closeRetrieval(retrieval)
            try await fixture.catalog.markUnused()
            let free = try await fixture.catalog.collectionPlan(grace: .zero)
            #expect(free.unusedChunks == 4)
        },
        CatalogBehaviour("a retrieval's lease is renewed by use, and ends") { fixture in
            _ = try await fixture.oneFile()
            let retrieval = RetrievalID.random()
            func use() async throws {
                try await fixture.catalog.renewRetrieval(retrieval, lease: Fixture.lease)
            }
            await fixture.expect(.leaseEnded) { try await use() }
            _ = try await fixture.catalog.openRetrieval(
                retrieval, of: [FileName("file")], lease: Fixture.lease)
            fixture.advance(.seconds(599))
            try await use()
            fixture.advance(.seconds(599))
            try await use()
            fixture.advance(.seconds(600))
            await fixture.expect(.leaseEnded) { try await use() }
            _ = try await fixture.catalog.openRetrieval(
                retrieval, of: [FileName("file")], lease: Fixture.lease)
            try await use()
            try await fixture.catalog.closeRetrieval(retrieval)
            try await fixture.catalog.closeRetrieval(retrieval)
            await fixture.expect(.leaseEnded) { try await use() }
            let missing = try await fixture.catalog.openRetrieval(
                retrieval, of: [FileName("other")], lease: Fixture.lease)
            await fixture.expect(.notFound) { _ = try missing.first?.get() }
        },
    ]

    static let figures: [CatalogBehaviour] = [
        CatalogBehaviour("totals add up") { fixture in
            var totals = try await fixture.catalog.totals(counting: Fixture.replicas(1...3))
            #expect(
                totals
                    == CatalogTotals(
                        files: 0, logicalBytes: 0, uniqueBytes: 0, storedBytes: 0,
                        underReplicated: 0, chunks: [:]))
            try await fixture.admit(1...3)
            let (a, b) = try (Fixture.chunk("a", length: 10), Fixture.chunk("b", length: 20))
            try await fixture.deposit("one", [a, b], on: Fixture.replicas(1...2))
            try await fixture.deposit("two", [a, b], on: Fixture.replicas(1...2))
            totals = try await fixture.catalog.totals(counting: Fixture.replicas(1...3))
            let manifest: UInt64 = 102
            #expect(totals.files == 2)
            #expect(totals.logicalBytes == 60)
            #expect(totals.uniqueBytes == 30 + manifest)
            #expect(totals.storedBytes == 2 * (30 + manifest))
            #expect(totals.underReplicated == 0)
            let copies = [1, 2, 3].map { totals.chunks[Fixture.replica($0)] }
            #expect(copies == [3, 3, 0])
            try await fixture.settle(a, .bad, on: 1)
            totals = try await fixture.catalog.totals(counting: Fixture.replicas(1...3))
            #expect(totals.underReplicated == 1)
            #expect(totals.chunks[Fixture.replica(1)] == 2)
            // A copy on a member that does not count is none.
            totals = try await fixture.catalog.totals(counting: Fixture.replicas(1...1))
            #expect(totals.underReplicated == 3)
            // What only a lease wants is not missing yet; what nothing uses never is.
            let deposit = try await fixture.open(level: 3)
            _ = try await fixture.catalog.negotiate(deposit, chunks: [b], live: [], copies: 3)
            totals = try await fixture.catalog.totals(counting: Fixture.replicas(1...3))
            #expect(totals.underReplicated == 1)
            for name in ["one", "two"] {
                _ = try await fixture.catalog.delete(FileName(name), time: 1)
            }
            totals = try await fixture.catalog.totals(counting: Fixture.replicas(1...3))
            #expect(totals.underReplicated == 0)
            #expect(totals.uniqueBytes == 0)
            #expect(totals.storedBytes == 2 * (30 + manifest) - 10)
        }
    ]
}
