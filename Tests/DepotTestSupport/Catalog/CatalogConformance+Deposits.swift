import DepotCore
import Testing

extension CatalogConformance {
    static let deposits: [CatalogBehaviour] = [
        CatalogBehaviour("a deposit opened twice is one, at one level") { fixture in
            let deposit = try await fixture.open(level: 2)
            try await fixture.reopen(deposit, level: 2)
            let level = try await fixture.catalog.depositLevel(deposit)
            #expect(level.copies == 2)
            await fixture.expect(.conflict) { try await fixture.reopen(deposit, level: 3) }
        },
        CatalogBehaviour("a lease ends by the catalog's time unless it is renewed") { fixture in
            let deposit = try await fixture.open(level: 2)
            fixture.advance(.seconds(599))
            try await fixture.catalog.renewDeposit(deposit)
            fixture.advance(.seconds(599))
            let level = try await fixture.catalog.depositLevel(deposit)
            #expect(level.copies == 2)
            fixture.advance(.seconds(1))
            await fixture.expect(.leaseEnded) {
                _ = try await fixture.catalog.depositLevel(deposit)
            }
            await fixture.expect(.leaseEnded) { try await fixture.catalog.renewDeposit(deposit) }
        },
        CatalogBehaviour("without a lease nothing of a deposit works") { fixture in
            try await fixture.admit(1...2)
            let chunks = try Fixture.chunks(0..<2)
            let deposit = try await fixture.open(level: 2)
            try await fixture.prepare(chunks, on: Fixture.replicas(1...2), in: deposit)
            try await fixture.catalog.closeDeposit(deposit)
            try await fixture.catalog.closeDeposit(deposit)
            await fixture.expect(.leaseEnded) {
                _ = try await fixture.catalog.negotiate(
                    deposit, chunks: chunks, live: [], copies: 1)
            }
            await fixture.expect(.leaseEnded) {
                try await fixture.catalog.prove(
                    BarrierProof(), asOf: fixture.catalog.mark(), deposit: deposit)
            }
            await fixture.expect(.leaseEnded) {
                try await fixture.catalog.stage(
                    manifest: chunks[0], uses: [], pieces: [], isLast: true, deposit: deposit)
            }
            await fixture.expect(.leaseEnded) {
                _ = try await fixture.outcome(
                    Fixture.commit("file", chunks), in: deposit, copies: 2)
            }
        },
        CatalogBehaviour("every step of a deposit renews its lease") { fixture in
            try await fixture.admit(1...2)
            let chunks = try Fixture.chunks(0..<2)
            let deposit = try await fixture.open(level: 2)
            fixture.advance(.seconds(500))
            try await fixture.send(chunks, to: Fixture.replicas(1...2), in: deposit)
            fixture.advance(.seconds(500))
            try await fixture.prepare(chunks, on: Fixture.replicas(1...2), in: deposit)
            fixture.advance(.seconds(500))
            let outcome = try await fixture.outcome(
                Fixture.commit("file", chunks), in: deposit, copies: 2)
            fixture.advance(.seconds(500))
            _ = try await fixture.catalog.depositLevel(deposit)
            #expect(try outcome.receipt.copies == 2)
        },
        CatalogBehaviour("a manifest enters nothing that nobody vouched for") { fixture in
            try await fixture.admit(1...1)
            let chunks = try Fixture.chunks(0..<3)
            let manifest = try Fixture.manifest(chunks)
            let deposit = try await fixture.open(level: 1)
            let other = try await fixture.open(level: 1)
            try await fixture.send(
                [chunks[0], manifest], to: Fixture.replicas(1...1), in: deposit)
            try await fixture.send(chunks, to: Fixture.replicas(1...1), in: other)
            // That it is pinned is not enough.
            _ = try await fixture.catalog.negotiate(
                deposit, chunks: [chunks[1]], live: [], copies: 1)
            let page = ManifestPage(of: manifest, chunks: chunks, isLast: true)
            let lacking = try await fixture.catalog.stage([page], deposit: deposit)
            #expect(Set(lacking) == [chunks[1], chunks[2]], "vouched for to another deposit")
            #expect(try await !fixture.catalog.isStaged(manifest: manifest.id))
            try await fixture.send(chunks, to: Fixture.replicas(1...1), in: deposit)
            #expect(try await fixture.catalog.stage([page], deposit: deposit) == [])
            #expect(try await fixture.catalog.isStaged(manifest: manifest.id))
        },
        CatalogBehaviour("many manifests are staged by one call, or none of them") { fixture in
            try await fixture.admit(1...1)
            let (chunks, deposit) = (
                try Fixture.chunks(0..<6), try await fixture.open(level: 1)
            )
            let manifests = try [chunks[0..<3], chunks[3..<6]].map {
                (reference: try Fixture.manifest(Array($0)), chunks: Array($0))
            }
            try await fixture.send(
                chunks + manifests.map(\.reference), to: Fixture.replicas(1...1), in: deposit)
            let pages = manifests.map {
                ManifestPage(of: $0.reference, chunks: $0.chunks, isLast: true)
            }
            let ids = manifests.map(\.reference.id)
            let wrong = try ChunkReference(id: chunks[5].id, length: chunks[5].length + 1)
            await fixture.expect(.manifestInvalid) {
                _ = try await fixture.catalog.stage(
                    [
                        pages[0],
                        ManifestPage(of: manifests[1].reference, chunks: [wrong], isLast: true),
                    ], deposit: deposit)
            }
            #expect(try await fixture.catalog.staged(among: ids) == [])
            #expect(try await fixture.catalog.stage(pages, deposit: deposit) == [])
            let staged = try await fixture.catalog.staged(among: ids + [chunks[0].id])
            #expect(staged == Set(ids))
        },
        CatalogBehaviour("a manifest is staged when its last page is there, whoever sends it") {
            fixture in
            try await fixture.admit(1...1)
            let chunks = try Fixture.chunks(0..<30)
            let manifest = try Fixture.manifest(chunks)
            let piece = try Fixture.chunk("piece")
            let all = chunks + [manifest, piece]
            for _ in 0..<2 {
                let deposit = try await fixture.open(level: 1)
                try await fixture.send(all, to: Fixture.replicas(1...1), in: deposit)
                for page in 0..<3 {
                    let staged = try await fixture.catalog.isStaged(manifest: manifest.id)
                    #expect(!staged)
                    try await fixture.catalog.stage(
                        manifest: manifest, uses: Array(chunks[page * 10..<page * 10 + 10]),
                        pieces: [], isLast: false, deposit: deposit)
                }
            }
            await fixture.expect(.notFound) {
                _ = try await fixture.catalog.chunks(
                    of: .init(stored: manifest), after: nil, limit: 10)
            }
            let deposit = try await fixture.open(level: 1)
            try await fixture.send(all, to: Fixture.replicas(1...1), in: deposit)
            try await fixture.catalog.stage(
                manifest: manifest, uses: [], pieces: [piece], isLast: true, deposit: deposit)
            let staged = try await fixture.catalog.isStaged(manifest: manifest.id)
            #expect(staged)
            // Complete is complete.
            let more = try Fixture.chunks(90..<95)
            try await fixture.send(more, to: Fixture.replicas(1...1), in: deposit)
            try await fixture.catalog.stage(
                manifest: manifest, uses: more, pieces: [], isLast: false, deposit: deposit)
            let used = try await fixture.usedChunks(.init(stored: manifest), page: 7)
            #expect(used.count == 32)
            #expect(Set(used) == Set(all.map(\.id)))
        },
    ]
}

extension CatalogFixture {
    func reopen(_ deposit: DepositID, level: Int) async throws {
        try await catalog.openDeposit(
            DepositOpening(deposit: deposit, level: ReplicationLevel(level), lease: Self.lease))
    }

    func usedChunks(_ manifest: ManifestReference, page: Int) async throws -> [ChunkID] {
        var all: [ChunkID] = []
        while true {
            let next = try await catalog.chunks(of: manifest, after: all.last, limit: page)
            all += next.map(\.reference.id)
            if next.count < page { return all }
        }
    }
}
