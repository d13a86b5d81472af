import DepotCore
import Testing

extension CatalogConformance {
    static let collections: [CatalogBehaviour] = [
        CatalogBehaviour("a chunk goes in two steps, with the grace time in between") { fixture in
            try await fixture.admit(1...2)
            let (own, shared) = try (Fixture.chunk("own"), Fixture.chunk("shared"))
            try await fixture.deposit("file", [own, shared], on: Fixture.replicas(1...2))
            try await fixture.deposit("kept", [shared], on: Fixture.replicas(1...2))
            _ = try await fixture.delete("file")
            let unmarked = try await fixture.catalog.collectionPlan(grace: .zero)
            #expect(unmarked.unusedChunks == 2 && unmarked.manifests == 1, "not marked yet")
            try await fixture.catalog.markUnused()
            fixture.advance(Fixture.grace - .milliseconds(1))
            // To mark again does not begin the grace time anew.
            try await fixture.catalog.markUnused()
            let early = try await fixture.releaseUnused([own], on: 1)
            #expect(early.isEmpty)
            let plan = try await fixture.catalog.collectionPlan(grace: Fixture.grace)
            #expect(plan.unusedChunks == 2 && plan.readyChunks == 0 && plan.manifests == 0)
            fixture.advance(.milliseconds(1))
            let manifest = try Fixture.manifest([own, shared])
            let ready = try await fixture.catalog.collectionPlan(grace: Fixture.grace)
            #expect(ready.readyChunks == 2 && ready.readyCopies == 4)
            #expect(ready.readyBytes == 2 * UInt64(own.length + manifest.length))
            #expect(ready.unusedBytes == ready.readyBytes)
            let listed = try await fixture.ready(on: 1)
            #expect(listed == [own.id, manifest.id])
            for _ in 0..<2 {
                let gone = try await fixture.releaseUnused(
                    [own, shared, manifest, Fixture.chunk("unknown")], on: 1)
                #expect(gone == [own.id, manifest.id], "may be repeated")
            }
            let states = try await [
                fixture.state(own, on: 1), fixture.state(own, on: 2), fixture.state(shared, on: 1),
            ]
            #expect(states == [.released, .good, .good])
        },
        CatalogBehaviour("what a record let go stays until a majority has the record") { fixture in
            enum Change: CaseIterable { case deleted, replaced, replacedTwice }
            try await fixture.admit(1...3)
            let all = Fixture.replicas(1...3)
            for (number, change) in Change.allCases.enumerated() {
                let chunks = try Fixture.chunks(10 * number..<10 * number + 3)
                let old = try await fixture.deposit("file", [chunks[0]], on: all)
                try await fixture.deliver(on: 1...3)
                switch change {
                case .deleted: _ = try await fixture.catalog.delete(FileName("file"), time: 1)
                case .replaced, .replacedTwice:
                    try await fixture.deposit("file", [chunks[1]], on: all)
                }
                try await fixture.deliver(on: 1...1, isDone: false)
                // An inventory shows an older record, which the catalog did not know.
                let older = try await FileRecord(
                    cluster: fixture.catalog.cluster().cluster, name: old.name,
                    sequence: CommitSequence(
                        epoch: old.sequence.epoch, counter: old.sequence.counter - 1), time: 0,
                    content: .deleted(level: old.level))
                #expect(try await fixture.catalog.enterOld(older, on: Fixture.replica(3)))
                let going = [chunks[0], old.manifest.text]
                func gone() async throws -> Set<ChunkID> {
                    try await fixture.catalog.markUnused()
                    let ready = try await fixture.ready(on: 1, grace: .zero)
                    let gone = try await fixture.releaseUnused(going, on: 1, grace: .zero)
                    #expect(ready.intersection(going.map(\.id)) == gone, "\(change)")
                    return gone
                }
                let early = try await gone()
                #expect(early.isEmpty, "\(change)")
                if change == .replacedTwice {
                    // What is newer is on its way as well, and let go of other chunks.
                    try await fixture.deposit("file", [chunks[2]], on: all)
                    let still = try await gone()
                    #expect(still.isEmpty, "\(change)")
                }
                try await fixture.deliver(on: 1...2, isDone: false)
                let late = try await gone()
                #expect(late.isSuperset(of: going.map(\.id)), "\(change)")
                // Nothing of this name is left for the next one.
                if change != .deleted { _ = try await fixture.delete("file") }
                try await fixture.deliver(on: 1...3)
                try await fixture.collect(on: 1...3)
            }
        },
        CatalogBehaviour("a chunk goes with its last copy, whatever the copies' state") { fixture in
            try await fixture.admit(1...3)
            let chunk = try await fixture.oneFile()
            try await fixture.settle(chunk, .bad, on: 1)
            _ = try await fixture.observe(LogPosition(opens: 0, segment: 0, offset: 0), of: 2)
            _ = try await fixture.delete("file")
            try await fixture.collect(on: 1...2)
            let left = try await fixture.status(chunk)
            #expect(left?.holdings == [Holding(replica: Fixture.replica(3), state: .good)])
            try await fixture.collect(on: 3...3)
            let bare = try await fixture.status(chunk)
            #expect(bare?.holdings.isEmpty != false)
            // When no late word of a copy can come any more, nothing of the chunk is kept.
            fixture.advance(.seconds(1_000_000))
            try await fixture.settle(Fixture.chunk("any"), .absent, on: 1)
            try await fixture.deposit("other", [], on: Fixture.replicas(1...1))
            _ = try await fixture.delete("other")
            try await fixture.collect(on: 1...1)
            let gone = try await fixture.status(chunk)
            #expect(gone == nil)
            let again = try await fixture.deposit("file", [chunk], on: Fixture.replicas(1...2))
            #expect(again.newChunks == 1)
        },
        CatalogBehaviour("the pages of what is ready have an order") { fixture in
            try await fixture.admit(1...2)
            let chunks = try Fixture.chunks(0..<8)
            try await fixture.deposit("file", chunks, on: Fixture.replicas(1...2))
            try await fixture.settle(chunks[3], .absent, on: 1)
            _ = try await fixture.delete("file")
            try await fixture.catalog.markUnused()
            var found: [ChunkReference] = []
            while true {
                let next = try await fixture.catalog.unused(
                    for: .zero, on: Fixture.replica(1), after: found.last?.id, limit: 3)
                found += next
                if next.count < 3 { break }
            }
            let expected = try Set(chunks + [Fixture.manifest(chunks)]).subtracting([chunks[3]])
            #expect(Set(found) == expected && found.count == 8)
        },
        CatalogBehaviour("a stray that an inventory showed waits as long as anything") { fixture in
            try await fixture.admit(1...1)
            let stray = try Fixture.chunk("stray")
            _ = try await fixture.show([Fixture.entry(stray)], of: 1)
            let early = try await fixture.releaseUnused([stray], on: 1, grace: .milliseconds(1))
            #expect(early.isEmpty)
            fixture.advance(Fixture.grace)
            // It begins when the chunk was entered, and the first step need not be taken for it.
            let gone = try await fixture.releaseUnused([stray], on: 1)
            #expect(gone == [stray.id])
        },
        CatalogBehaviour("a chunk in the second step counts as lacking, and a deposit heals it") {
            fixture in
            try await fixture.admit(1...2)
            let chunk = try Fixture.chunk("chunk")
            try await fixture.deposit("file", [chunk], on: Fixture.replicas(1...2))
            _ = try await fixture.delete("file")
            try await fixture.catalog.markUnused()
            fixture.advance(Fixture.grace)
            let vouched = try await fixture.catalog.mark()
            let gone = try await fixture.releaseUnused([chunk], on: 1)
            #expect(gone == [chunk.id])
            let deposit = try await fixture.open(level: 2)
            let lacking = try await fixture.catalog.negotiate(
                deposit, chunks: [chunk], live: Fixture.replicas(1...2), copies: 2)
            #expect(lacking == [chunk])
            let second = try await fixture.releaseUnused([chunk], on: 2)
            #expect(second.isEmpty, "the deposit holds what is left")
            try await fixture.catalog.prove(
                BarrierProof(durable: [chunk: Fixture.replicas(1...2)]), asOf: vouched,
                deposit: deposit)
            let late = try await fixture.state(chunk, on: 1)
            #expect(late == .released, "a vouch from before the release is void")
            try await fixture.send([chunk], to: Fixture.replicas(1...2), in: deposit)
            try await fixture.catalog.removeReleased([chunk.id], on: Fixture.replica(1))
            let healed = try await fixture.state(chunk, on: 1)
            #expect(healed == .good)
        },
    ]

    /// Who keeps a chunk that no file uses: each way to hold it, and how to let go.
    private static let holders:
        [(
            name: String,
            hold:
                @Sendable (CatalogFixture, [ChunkReference]) async throws ->
                @Sendable ()
                async throws -> Void
        )] = [
            (
                "a deposit that named the chunks",
                { fixture, chunks in
                    let deposit = try await fixture.open(level: 1)
                    _ = try await fixture.catalog.negotiate(
                        deposit, chunks: chunks, live: [], copies: 1)
                    return { try await fixture.catalog.closeDeposit(deposit) }
                }
            ),
            (
                "a lease that ends by itself",
                { fixture, chunks in
                    let deposit = try await fixture.open(level: 1)
                    _ = try await fixture.catalog.negotiate(
                        deposit, chunks: chunks, live: [], copies: 1)
                    return { fixture.advance(Fixture.lease) }
                }
            ),
            (
                "a retrieval of a file that was deleted since",
                { fixture, _ in
                    let retrieval = RetrievalID.random()
                    _ = try await fixture.catalog.openRetrieval(
                        retrieval, of: [FileName("file")], lease: Fixture.lease)
                    return { try await fixture.catalog.closeRetrieval(retrieval) }
                }
            ),
            (
                "a retrieval that is forgotten",
                { fixture, _ in
                    _ = try await fixture.catalog.openRetrieval(
                        .random(), of: [FileName("file")], lease: Fixture.lease)
                    return { fixture.advance(Fixture.lease) }
                }
            ),
        ]

    static let heldBack: [CatalogBehaviour] =
        holders.map { holder in
            CatalogBehaviour("nothing goes that is held by \(holder.name), and then it does") {
                fixture in
                try await fixture.admit(1...1)
                let (chunk, piece) = try (Fixture.chunk("chunk"), Fixture.chunk("piece"))
                let file = try Fixture.commit("file", [chunk])
                let deposit = try await fixture.open(level: 1)
                let all = [chunk, piece, file.manifest.text]
                try await fixture.send(all, to: Fixture.replicas(1...1), in: deposit)
                try await fixture.catalog.stage(
                    manifest: file.manifest.text, uses: [chunk], pieces: [piece], isLast: true,
                    deposit: deposit)
                _ = try await fixture.outcome(file, in: deposit, copies: 1).receipt
                try await fixture.catalog.closeDeposit(deposit)
                let free = try await holder.hold(fixture, all)
                // Committed again with other content: the old manifest is nobody's but the holder's.
                try await fixture.deposit("file", [], on: Fixture.replicas(1...1))
                try await fixture.deliver(on: 1...1)
                try await fixture.catalog.markUnused()
                let held = try await fixture.releaseUnused(all, on: 1, grace: .zero)
                let listed = try await fixture.ready(on: 1, grace: .zero)
                let plan = try await fixture.catalog.collectionPlan(grace: .zero)
                #expect(held.isEmpty && listed.isEmpty && plan.unusedChunks == 0)
                try await free()
                try await fixture.catalog.markUnused()
                let early = try await fixture.releaseUnused(all, on: 1)
                #expect(early.isEmpty, "the grace time begins when it is let go")
                fixture.advance(Fixture.grace)
                let gone = try await fixture.releaseUnused(all, on: 1)
                #expect(gone == Set(all.map(\.id)))
            }
        } + staged
}
