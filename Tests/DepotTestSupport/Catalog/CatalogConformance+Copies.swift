import DepotCore
import Testing

extension CatalogConformance {
    static let copies: [CatalogBehaviour] = [
        CatalogBehaviour("files at 2 and 4 keep what they share at 4, until the second is gone") {
            fixture in
            try await fixture.admit(1...4)
            let (own, shared) = try (Fixture.chunk("own"), Fixture.chunk("shared"))
            try await fixture.deposit("two", [own, shared], on: Fixture.replicas(1...2))
            try await fixture.deposit("four", [shared], on: Fixture.replicas(1...4))
            let targets = try await [
                fixture.status(own)?.target, fixture.status(shared)?.target,
            ]
            #expect(targets == [2, 4])
            let early = try await fixture.release(shared, on: 4, hashed: 1...4)
            #expect(!early)
            let four = try await fixture.catalog.file(FileName("four"))
            _ = try await fixture.changeLevel(four, to: 3, copies: 3)
            let fourth = try await fixture.release(shared, on: 4, hashed: 1...4)
            let third = try await fixture.release(shared, on: 3, hashed: 1...4)
            #expect(fourth && !third)
            _ = try await fixture.catalog.delete(four.name, time: 1)
            let target = try await fixture.status(shared)?.target
            #expect(target == 2)
            let now = try await fixture.release(shared, on: 3, hashed: 1...2)
            #expect(now)
            let last = try await fixture.release(shared, on: 2, hashed: 1...1)
            #expect(!last)
            let good = try await fixture.status(shared)?.good
            #expect(good == [Fixture.replica(1), Fixture.replica(2)])
        },
        CatalogBehaviour("a copy goes only when enough others were hashed just before and are good")
        { fixture in
            try await fixture.admit(1...4)
            let chunk = try Fixture.chunk("chunk")
            try await fixture.deposit("file", [chunk], on: Fixture.replicas(1...4), level: 2)
            let unhashed = try await fixture.release(chunk, on: 4, hashed: 1...1)
            #expect(!unhashed, "the others are good, but one only was hashed")
            let itself = try await fixture.release(chunk, on: 4, hashed: 3...4)
            #expect(!itself, "its own hash is no reason")
            try await fixture.settle(chunk, .bad, on: 2)
            let bad = try await fixture.release(chunk, on: 4, hashed: 1...2)
            #expect(!bad)
            let enough = try await fixture.release(chunk, on: 4, hashed: 1...3)
            #expect(enough)
            let state = try await fixture.state(chunk, on: 4)
            #expect(state == .released)
            let alone = try await fixture.release(chunk, on: 2, hashed: 1...2)
            #expect(!alone, "a bad copy stays until the chunk is whole without it")
            let bad2 = try await fixture.catalog.release(
                [chunk.id, ChunkID(hashing: "unknown")], on: Fixture.replica(2),
                hashedJustBefore: [chunk.id: Fixture.replicas(1...3)], asOf: fixture.catalog.mark())
            #expect(bad2 == [chunk.id], "then it goes; an unknown chunk has none")
        },
        CatalogBehaviour("a release may be repeated, but not where copies were lost since") {
            fixture in
            try await fixture.admit(1...3)
            let chunk = try Fixture.chunk("chunk")
            try await fixture.deposit("file", [chunk], on: Fixture.replicas(1...3), level: 2)
            for _ in 0..<2 {
                let released = try await fixture.release(chunk, on: 3, hashed: 1...2)
                #expect(released)
            }
            try await fixture.settle(chunk, .bad, on: 1)
            let lost = try await fixture.release(chunk, on: 3, hashed: 1...2)
            #expect(!lost)
        },
        CatalogBehaviour("a chunk that nothing uses is not released, it is collected") { fixture in
            try await fixture.admit(1...3)
            let chunk = try Fixture.chunk("chunk")
            try await fixture.deposit("file", [chunk], on: Fixture.replicas(1...3))
            _ = try await fixture.catalog.delete(FileName("file"), time: 1)
            let released = try await fixture.release(chunk, on: 3, hashed: 1...2)
            #expect(!released)
        },
        CatalogBehaviour("a lease's pins hold copies at its level, until it ends") { fixture in
            try await fixture.admit(1...3)
            let chunk = try Fixture.chunk("chunk")
            try await fixture.deposit("file", [chunk], on: Fixture.replicas(1...3), level: 1)
            for closing in [true, false] {
                let deposit = try await fixture.open(level: 3)
                let lacking = try await fixture.catalog.negotiate(
                    deposit, chunks: [chunk], live: Fixture.replicas(1...3), copies: 3)
                #expect(lacking.isEmpty)
                let target = try await fixture.status(chunk)?.target
                #expect(target == 3)
                let pinned = try await fixture.release(chunk, on: 3, hashed: 1...2)
                #expect(!pinned)
                if closing {
                    try await fixture.catalog.closeDeposit(deposit)
                } else {
                    fixture.advance(.seconds(600))
                }
                let after = try await fixture.status(chunk)?.target
                #expect(after == 1)
            }
            let released = try await fixture.release(chunk, on: 3, hashed: 1...2)
            #expect(released)
        },
        CatalogBehaviour("the manifest and its pieces are held as the content is") { fixture in
            try await fixture.admit(1...2)
            let (chunk, piece) = try (Fixture.chunk("chunk"), Fixture.chunk("piece"))
            let file = try Fixture.commit("file", [chunk])
            let deposit = try await fixture.open(level: 2)
            try await fixture.send(
                [chunk, piece, file.manifest.text], to: Fixture.replicas(1...2), in: deposit)
            try await fixture.catalog.stage(
                manifest: file.manifest.text, uses: [chunk], pieces: [piece], isLast: true,
                deposit: deposit)
            _ = try await fixture.outcome(file, in: deposit, copies: 2).receipt
            try await fixture.catalog.closeDeposit(deposit)
            for used in [chunk, piece, file.manifest.text] {
                let target = try await fixture.status(used)?.target
                #expect(target == 2)
            }
        },
        CatalogBehaviour("what a replica finds settles its copies") { fixture in
            try await fixture.admit(1...3)
            let chunk = try Fixture.chunk("chunk")
            try await fixture.deposit("file", [chunk], on: Fixture.replicas(1...3), level: 2)
            let steps: [(CheckVerdict, HoldingState?)] = [
                (.bad, .bad), (.good, .good), (.good, .good), (.absent, nil), (.absent, nil),
                (.bad, .bad), (.absent, nil), (.good, .good),
            ]
            for (verdict, expected) in steps {
                try await fixture.settle(chunk, verdict, on: 3)
                let state = try await fixture.state(chunk, on: 3)
                #expect(state == expected, "after \(verdict)")
            }
            _ = try await fixture.release(chunk, on: 3, hashed: 1...2)
            for verdict in [CheckVerdict.good, .bad] {
                try await fixture.settle(chunk, verdict, on: 3)
                let state = try await fixture.state(chunk, on: 3)
                #expect(state == .released)
            }
            try await fixture.settle(chunk, .absent, on: 3)
            let gone = try await fixture.state(chunk, on: 3)
            #expect(gone == nil)
            try await fixture.catalog.settle(
                [ChunkID(hashing: "unknown"): .good], on: Fixture.replica(1),
                asOf: fixture.catalog.mark())
        },
        CatalogBehaviour("a released copy goes when it was deleted, unless it was put again") {
            fixture in
            try await fixture.admit(1...3)
            let chunk = try Fixture.chunk("chunk")
            try await fixture.deposit("file", [chunk], on: Fixture.replicas(1...3), level: 2)
            _ = try await fixture.release(chunk, on: 3, hashed: 1...2)
            let deposit = try await fixture.open(level: 3)
            try await fixture.send([chunk], to: Fixture.replicas(3...3), in: deposit)
            try await fixture.catalog.removeReleased([chunk.id], on: Fixture.replica(3))
            let kept = try await fixture.state(chunk, on: 3)
            #expect(kept == .good)
            try await fixture.catalog.closeDeposit(deposit)
            _ = try await fixture.release(chunk, on: 3, hashed: 1...2)
            for _ in 0..<2 {
                try await fixture.catalog.removeReleased([chunk.id], on: Fixture.replica(3))
            }
            let gone = try await fixture.state(chunk, on: 3)
            #expect(gone == nil)
        },
        CatalogBehaviour("copies on a replica are listed by state, page by page") { fixture in
            try await fixture.admit(1...2)
            let chunks = try Fixture.chunks(0..<20)
            try await fixture.deposit("file", chunks, on: Fixture.replicas(1...2))
            for chunk in chunks[5..<9] { try await fixture.settle(chunk, .bad, on: 1) }
            func all(_ state: HoldingState) async throws -> [ChunkReference] {
                try await fixture.holdings(on: 1, state: state, limit: 3)
            }
            let (bad, good) = try await (all(.bad), all(.good))
            #expect(Set(bad) == Set(chunks[5..<9]) && bad.count == 4)
            #expect(good.count == 17, "sixteen of the content and the manifest")
            await fixture.expect(.notFound) {
                _ = try await fixture.catalog.holdings(
                    on: Fixture.replica(9), state: .good, after: nil, limit: 3)
            }
        },
        CatalogBehaviour("a list of copies goes on where a chunk is gone that it ended with") {
            fixture in
            try await fixture.admit(1...2)
            let chunks = try Fixture.chunks(0..<8)
            let deposit = try await fixture.open(level: 1)
            try await fixture.send(chunks, to: Fixture.replicas(1...1), in: deposit)
            try await fixture.catalog.closeDeposit(deposit)
            let first = try await fixture.catalog.holdings(
                on: Fixture.replica(1), state: .good, after: nil, limit: 3)
            #expect(first.chunks.count == 3)
            for chunk in first.chunks { try await fixture.settle(chunk, .absent, on: 1) }
            try await fixture.catalog.markUnused()
            let left = try await fixture.holdings(
                on: 1, state: .good, after: first.next, limit: 3)
            #expect(left.count == 5 && Set(left + first.chunks) == Set(chunks))
        },
    ]

    /// Answers of replicas that something overtook on their way.
    static let overtaken: [CatalogBehaviour] = [
        CatalogBehaviour("a vouch that a release overtook makes no copy good again") { fixture in
            try await fixture.admit(1...3)
            let chunk = try Fixture.chunk("chunk")
            try await fixture.deposit("file", [chunk], on: Fixture.replicas(1...3), level: 2)
            let deposit = try await fixture.open(level: 2)
            _ = try await fixture.catalog.negotiate(
                deposit, chunks: [chunk], live: Fixture.replicas(1...3), copies: 2)
            let mark = try await fixture.catalog.mark()
            let released = try await fixture.release(chunk, on: 3, hashed: 1...2)
            #expect(released)
            for isDeleted in [false, true] {
                if isDeleted {
                    try await fixture.catalog.removeReleased([chunk.id], on: Fixture.replica(3))
                }
                try await fixture.catalog.prove(
                    BarrierProof(durable: [chunk: [Fixture.replica(3)]]), asOf: mark,
                    deposit: deposit)
                try await fixture.catalog.settle(
                    [chunk.id: .good], on: Fixture.replica(3), asOf: mark)
                let state = try await fixture.state(chunk, on: 3)
                #expect(state == (isDeleted ? nil : .released))
            }
            try await fixture.settle(chunk, .good, on: 3)
            let asked = try await fixture.state(chunk, on: 3)
            #expect(asked == .good, "a word that was asked for afterwards counts")
        },
        CatalogBehaviour("a vouch that a bad verdict or a lost log overtook counts for nothing") {
            fixture in
            let chunk = try await fixture.oneFile()
            let mark = try await fixture.catalog.mark()
            try await fixture.settle(chunk, .bad, on: 1)
            _ = try await fixture.observe(LogPosition(opens: 0, segment: 0, offset: 0), of: 2)
            for number: UInt8 in 1...2 {
                try await fixture.catalog.settle(
                    [chunk.id: .good], on: Fixture.replica(number), asOf: mark)
            }
            let states = try await [fixture.state(chunk, on: 1), fixture.state(chunk, on: 2)]
            #expect(states == [.bad, .unproved])
        },
        CatalogBehaviour("a hash that a release overtook is no reason to drop another copy") {
            fixture in
            try await fixture.admit(1...3)
            let chunk = try Fixture.chunk("chunk")
            try await fixture.deposit("file", [chunk], on: Fixture.replicas(1...3), level: 2)
            // Somebody hashes 1 and 3 in order to drop 2; somebody else drops 3, which is put again.
            let mark = try await fixture.catalog.mark()
            let third = try await fixture.release(chunk, on: 3, hashed: 1...2)
            #expect(third)
            try await fixture.catalog.removeReleased([chunk.id], on: Fixture.replica(3))
            try await fixture.settle(chunk, .good, on: 3)
            let second = try await fixture.catalog.release(
                [chunk.id], on: Fixture.replica(2),
                hashedJustBefore: [chunk.id: [Fixture.replica(1), Fixture.replica(3)]], asOf: mark)
            #expect(second.isEmpty)
        },
        CatalogBehaviour("words older than the memory of setbacks are refused") { fixture in
            try await fixture.admit(1...3)
            let chunk = try Fixture.chunk("chunk")
            try await fixture.deposit("file", [chunk], on: Fixture.replicas(1...3), level: 2)
            let mark = try await fixture.catalog.mark()
            _ = try await fixture.release(chunk, on: 3, hashed: 1...2)
            try await fixture.catalog.removeReleased([chunk.id], on: Fixture.replica(3))
            // Whatever the time a catalog remembers, these are far apart.
            fixture.advance(.seconds(1_000_000))
            try await fixture.settle(chunk, .bad, on: 1)
            do {
                try await fixture.catalog.settle(
                    [chunk.id: .good], on: Fixture.replica(3), asOf: mark)
            } catch {
                #expect((error as? DepotError)?.code == .conflict)
            }
            let state = try await fixture.state(chunk, on: 3)
            #expect(state == nil)
        },
    ]
}
