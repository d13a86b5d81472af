import DepotCore
import Testing

extension CatalogConformance {
    static let reaches: [CatalogBehaviour] = [
        CatalogBehaviour("visible is what live files within reach use") { fixture in
            try await fixture.admit(1...2)
            let chunks = try Fixture.chunks(0..<6)
            try await fixture.deposit("a/1", [chunks[0], chunks[1]], on: Fixture.replicas(1...2))
            try await fixture.deposit("a/2", [chunks[1], chunks[2]], on: Fixture.replicas(1...2))
            try await fixture.deposit("ab", [chunks[2], chunks[3]], on: Fixture.replicas(1...2))
            let alone = try await fixture.depositOnly("a", "alone", on: 1...2)
            let manifest = try Fixture.manifest([chunks[0], chunks[1]])
            let asked = (chunks + [alone, manifest, try Fixture.chunk("nobody's")]).map(\.id)
            func visible(_ roots: String...) async throws -> Set<ChunkID> {
                try await fixture.catalog.visible(
                    among: asked, within: NameReach(below: roots.map { try FileName($0) }))
            }
            #expect(try await visible("a/1") == Set([chunks[0], chunks[1], manifest].map(\.id)))
            #expect(
                try await visible("a")
                    == Set([chunks[0], chunks[1], chunks[2], alone, manifest].map(\.id)))
            #expect(try await visible("ab", "x") == Set(chunks[2...3].map(\.id)))
            #expect(try await visible("x").isEmpty)
            _ = try await fixture.delete("a/1")
            #expect(try await visible("a") == Set([chunks[1], chunks[2], alone].map(\.id)))
            let all = try await fixture.catalog.visible(among: asked, within: .everything)
            #expect(all == Set(asked))
        },
        CatalogBehaviour("vouched is what replicas vouched for to this deposit") { fixture in
            try await fixture.admit(1...2)
            let chunks = try Fixture.chunks(0..<3)
            try await fixture.deposit("file", [chunks[0]], on: Fixture.replicas(1...2))
            let deposit = try await fixture.open(level: 2)
            try await fixture.send([chunks[1]], to: Fixture.replicas(1...2), in: deposit)
            _ = try await fixture.catalog.negotiate(
                deposit, chunks: chunks, live: Fixture.replicas(1...2), copies: 2)
            let other = try await fixture.open(level: 2)
            try await fixture.send([chunks[2]], to: Fixture.replicas(1...2), in: other)
            let asked = chunks.map(\.id)
            #expect(
                try await fixture.catalog.vouched(among: asked, to: deposit) == [chunks[1].id])
            try await fixture.catalog.closeDeposit(deposit)
            await fixture.expect(.leaseEnded) {
                _ = try await fixture.catalog.vouched(among: asked, to: deposit)
            }
        },
        CatalogBehaviour("a retrieval reads what its files use, as they were opened") { fixture in
            try await fixture.admit(1...2)
            let chunks = try Fixture.chunks(0..<4)
            try await fixture.deposit("one", Array(chunks[..<2]), on: Fixture.replicas(1...2))
            try await fixture.deposit("two", Array(chunks[1..<4]), on: Fixture.replicas(1...2))
            let alone = try await fixture.depositOnly("alone", "alone", on: 1...2)
            let asked = (chunks + [alone, try Fixture.manifest(Array(chunks[..<2]))]).map(\.id)
            let retrieval = RetrievalID.random()
            func readable(_ id: RetrievalID) async throws -> Set<ChunkID> {
                try await fixture.catalog.read(among: asked, by: id)
            }
            await fixture.expect(.leaseEnded) { _ = try await readable(retrieval) }
            _ = try await fixture.catalog.openRetrieval(
                retrieval, of: [FileName("one")], lease: .seconds(60))
            let one = Set(asked[..<2] + [asked[5]])
            #expect(try await readable(retrieval) == one)
            _ = try await fixture.delete("one")
            #expect(try await readable(retrieval) == one)
            let second = RetrievalID.random()
            _ = try await fixture.catalog.openRetrieval(
                second, of: [FileName("alone")], lease: .seconds(60))
            #expect(try await readable(second) == [alone.id])
        },
        CatalogBehaviour("of a chunk that very many files share, a retrieval's are found") {
            fixture in
            try await fixture.admit(1...1)
            let shared = try Fixture.chunk("shared")
            var last = shared
            for number in 0..<70 {
                last = try Fixture.chunk("own \(number)")
                try await fixture.deposit("\(number)", [shared, last], on: Fixture.replicas(1...1))
            }
            let retrieval = RetrievalID.random()
            _ = try await fixture.catalog.openRetrieval(
                retrieval, of: [FileName("69")], lease: .seconds(60))
            let readable = try await fixture.catalog.read(
                among: [shared.id, last.id], by: retrieval)
            #expect(readable == [shared.id, last.id])
        },
        CatalogBehaviour("what counts as new is new in the receipt, whoever has it") { fixture in
            try await fixture.admit(1...1)
            let (on, chunk) = (Fixture.replicas(1...1), try Fixture.chunk("shared"))
            try await fixture.deposit("theirs", [chunk, Fixture.chunk("more")], on: on)
            for (name, isNew) in [("hidden", true), ("told", false)] {
                let deposit = try await fixture.open(level: 1)
                var proof = BarrierProof(durable: [chunk: on])
                if isNew { proof.new = [chunk.id] }
                try await fixture.catalog.prove(
                    proof, asOf: fixture.catalog.mark(), deposit: deposit)
                let receipt = try await fixture.outcome(
                    Fixture.commit(name, only: chunk), in: deposit, copies: 1
                ).receipt
                #expect(receipt.newChunks == (isNew ? 1 : 0))
                try await fixture.catalog.closeDeposit(deposit)
            }
        },
        // An error that says how long somebody's chunk is would say that there is one.
        CatalogBehaviour("a wrong length of what nobody vouched for is lacking, and no error") {
            fixture in
            try await fixture.admit(1...1)
            let right = try await fixture.depositOnly("theirs", "theirs", on: 1...1)
            let wrong = try ChunkReference(id: right.id, length: right.length + 1)
            let deposit = try await fixture.open(level: 1)
            let inline = try await fixture.catalog.commit(
                [Fixture.commit("inline", only: wrong)], deposit: deposit, copiesRequired: 1,
                time: 1)
            guard case .lacking([wrong]) = inline[0] else {
                Issue.record("\(inline)")
                return
            }
            let manifest = try Fixture.manifest([wrong])
            try await fixture.send([manifest], to: Fixture.replicas(1...1), in: deposit)
            let staged = try await fixture.catalog.stage(
                [ManifestPage(of: manifest, chunks: [wrong], isLast: true)], deposit: deposit)
            #expect(staged == [wrong])
        },
    ]
}
