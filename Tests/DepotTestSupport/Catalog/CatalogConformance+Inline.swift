import DepotCore
import Testing

/// Files of one chunk, whose manifest nobody keeps.
extension CatalogConformance {
    static let inlineManifests: [CatalogBehaviour] = [
        CatalogBehaviour("a file of one chunk is that chunk, wherever it is asked for") { fixture in
            try await fixture.admit(1...3)
            let chunk = try await fixture.depositOnly("file", "chunk", on: 1...2)
            let entry = try await fixture.catalog.file(FileName("file"))
            #expect(entry.manifest == ManifestReference(inline: chunk))
            let listed = try await fixture.catalog.files(prefix: "", after: nil, limit: 10).files
            #expect(listed == [entry])
            let used = try await fixture.catalog.chunks(of: entry.manifest, after: nil, limit: 10)
            #expect(used.map(\.reference) == [chunk] && used[0].target == 2)
            let assumed = try await fixture.catalog.chunks(
                of: entry.manifest, after: nil, limit: 10,
                assuming: LevelAssumption(name: entry.name, level: ReplicationLevel(1)))
            #expect(assumed.map(\.target) == [1])
            let behind = try await fixture.catalog.chunks(
                of: entry.manifest, after: chunk.id, limit: 10)
            #expect(behind.isEmpty)
            let names = try await fixture.catalog.files(using: chunk.id, limit: 10)
            #expect(names == [entry.name])
            let nothing = try await fixture.status(entry.manifest.text)
            #expect(nothing == nil, "nobody keeps the manifest's text")
            let totals = try await fixture.catalog.totals(counting: Fixture.replicas(1...3))
            #expect(totals.files == 1 && totals.uniqueBytes == UInt64(chunk.length))
            #expect(totals.storedBytes == 2 * totals.uniqueBytes && totals.underReplicated == 0)
        },
        CatalogBehaviour("what a file of one chunk lacks, has too much or would lose is told") {
            fixture in
            try await fixture.admit(1...3)
            let all = Fixture.replicas(1...3)
            let chunk = try await fixture.depositOnly("file", "chunk", on: 1...2)
            func found() async throws -> [[ChunkID]] {
                try await [
                    fixture.catalog.shortfall(counting: all, limit: 10).map(\.reference.id),
                    fixture.catalog.surplus(counting: all, after: nil, limit: 10)
                        .map(\.reference.id),
                ]
            }
            var state = try await found()
            #expect(state == [[], []])
            let entry = try await fixture.catalog.file(FileName("file"))
            await fixture.expect(.notEnoughReplicas) {
                _ = try await fixture.changeLevel(entry, to: 3, copies: 3)
            }
            let record = try await fixture.changeLevel(entry, to: 3, copies: 2)
            guard case .file(let level, let manifest, _, _) = record.content else {
                Issue.record("not a file's record")
                return
            }
            #expect(level.copies == 3 && manifest == entry.manifest)
            state = try await found()
            #expect(state == [[chunk.id], []])
            let raised = try await fixture.catalog.file(FileName("file"))
            _ = try await fixture.changeLevel(raised, to: 1, copies: 1)
            state = try await found()
            #expect(state == [[], [chunk.id]])
            let without = try await fixture.catalog.losses(
                without: Fixture.replicas(1...2), after: nil, limit: 10)
            #expect(without.map(\.name.text) == ["file"] && without[0].lostChunks == 1)
            let totals = try await fixture.catalog.lossTotals(without: Fixture.replicas(1...2))
            #expect(totals.lostChunks == 1)
            let rest = try await fixture.catalog.remainder(
                on: Fixture.replica(1), counting: [Fixture.replica(1)])
            #expect(rest.chunks == 1 && rest.onlyCopies == 1)
        },
        CatalogBehaviour("a chunk that is a file stays while the file, or a reader, is there") {
            fixture in
            try await fixture.admit(1...1)
            let chunk = try await fixture.depositOnly("file", "chunk", on: 1...1)
            func gone() async throws -> Set<ChunkID> {
                try await fixture.catalog.markUnused()
                let ready = try await fixture.ready(on: 1, grace: .zero)
                let gone = try await fixture.releaseUnused([chunk], on: 1, grace: .zero)
                #expect(ready == gone)
                return gone
            }
            var released = try await gone()
            #expect(released.isEmpty, "the file is there")
            let strays = try await fixture.catalog.strays(
                among: [chunk.id], on: Fixture.replica(1))
            #expect(strays.isEmpty)
            let retrieval = RetrievalID.random()
            let opened = try await fixture.catalog.openRetrieval(
                retrieval, of: [FileName("file")], lease: Fixture.lease)
            #expect(try opened.map { try $0.get().manifest } == [ManifestReference(inline: chunk)])
            _ = try await fixture.delete("file")
            released = try await gone()
            #expect(released.isEmpty, "somebody reads it")
            try await fixture.catalog.closeRetrieval(retrieval)
            released = try await gone()
            #expect(released == [chunk.id])
            try await fixture.catalog.removeReleased([chunk.id], on: Fixture.replica(1))
        },
        CatalogBehaviour("a file of one chunk stays until a majority knows that it is gone") {
            fixture in
            try await fixture.admit(1...3)
            let chunk = try await fixture.depositOnly("file", "chunk", on: 1...3)
            _ = try await fixture.catalog.delete(FileName("file"), time: 1)
            for (holders, isGone) in [(1...1, false), (1...2, true)] as [(ClosedRange<UInt8>, Bool)]
            {
                try await fixture.deliver(on: holders, isDone: false)
                try await fixture.catalog.markUnused()
                let gone = try await fixture.releaseUnused([chunk], on: 3, grace: .zero)
                #expect(gone.isEmpty != isGone)
            }
        },
        CatalogBehaviour("a file whose chunk lost its last copy keeps the name of the chunk") {
            fixture in
            try await fixture.admit(1...1)
            let chunk = try await fixture.depositOnly("file", "chunk", on: 1...1)
            try await fixture.settle(chunk, .absent, on: 1)
            fixture.advance(.seconds(1_000_000))
            try await fixture.collect(on: 1...1)
            let entry = try await fixture.catalog.file(FileName("file"))
            #expect(entry.manifest.chunk == chunk)
            let again = try await fixture.depositOnly("again", "chunk", on: 1...1)
            let names = try await fixture.catalog.files(using: again.id, limit: 10)
            #expect(names.map(\.text) == ["again", "file"])
        },
        CatalogBehaviour("a chunk that was not brought, or is another one, makes no file") {
            fixture in
            try await fixture.admit(1...2)
            let (chunk, known) = try (Fixture.chunk("chunk"), Fixture.chunk("known"))
            try await fixture.deposit("other", [known], on: Fixture.replicas(1...2))
            let deposit = try await fixture.open(level: 2)
            for lacking in [chunk, known] {
                let outcome = try await fixture.outcome(
                    Fixture.commit("file", only: lacking), in: deposit, copies: 2)
                #expect(outcome.lacking == [lacking.id], "nobody vouched for it to this deposit")
            }
            try await fixture.send([known, chunk], to: Fixture.replicas(1...1), in: deposit)
            let poor = try await fixture.outcome(
                Fixture.commit("file", only: chunk), in: deposit, copies: 2)
            #expect(poor.lacking == [chunk.id])
            await fixture.expect(.manifestInvalid) {
                _ = try await fixture.outcome(
                    Fixture.commit("file", only: ChunkReference(id: known.id, length: 7)),
                    in: deposit, copies: 2)
            }
            let lying = FileCommit(
                name: try FileName("file"), manifest: ManifestReference(inline: chunk), size: 7,
                metadata: FileMetadata(), chunks: 1)
            try await fixture.send([chunk], to: Fixture.replicas(1...2), in: deposit)
            await fixture.expect(.invalidArgument) {
                _ = try await fixture.outcome(lying, in: deposit, copies: 2)
            }
            await fixture.expect(.notFound) {
                _ = try await fixture.catalog.file(FileName("file"))
            }
            let whole = try await fixture.outcome(
                Fixture.commit("file", only: chunk), in: deposit, copies: 2
            ).receipt
            #expect(whole.copies == 2 && whole.newChunks == 1 && whole.chunks == 1)
            let again = try await fixture.outcome(
                Fixture.commit("file", only: chunk), in: deposit, copies: 2
            ).receipt
            #expect(again == whole, "told once more")
        },
        CatalogBehaviour("one content in a stored and an inline manifest is two files") { fixture in
            try await fixture.admit(1...1)
            let chunk = try Fixture.chunk("chunk")
            try await fixture.deposit("stored", [chunk], on: Fixture.replicas(1...1))
            let stored = try await fixture.catalog.file(FileName("stored"))
            try await fixture.depositOnly("inline", "chunk", on: 1...1)
            let names = try await fixture.catalog.files(using: chunk.id, limit: 10)
            #expect(names.map(\.text) == ["inline", "stored"])
            _ = try await fixture.delete("stored")
            try await fixture.collect(on: 1...1)
            let states = try await [
                fixture.state(chunk, on: 1), fixture.state(stored.manifest.text, on: 1),
            ]
            #expect(states == [.good, nil])
            let entry = try await fixture.catalog.file(FileName("inline"))
            #expect(entry.manifest.chunk == chunk)
        },
    ]
}
