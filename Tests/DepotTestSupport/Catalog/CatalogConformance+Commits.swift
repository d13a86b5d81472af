import DepotCore
import Testing

extension CatalogConformance {
    static let commits: [CatalogBehaviour] = [
        CatalogBehaviour("a commit names what lacks copies, and changes nothing") { fixture in
            try await fixture.admit(1...3)
            let chunks = try Fixture.chunks(0..<3)
            let file = try Fixture.commit("file", chunks)
            let deposit = try await fixture.open(level: 3)
            try await fixture.prepare(chunks, on: Fixture.replicas(1...2), in: deposit)
            try await fixture.send([chunks[0]], to: Fixture.replicas(3...3), in: deposit)
            let refused = try await fixture.outcome(file, in: deposit, copies: 3)
            #expect(refused.lacking == Set([chunks[1], chunks[2], file.manifest.text].map(\.id)))
            await fixture.expect(.notFound) { _ = try await fixture.catalog.file(file.name) }
            let outbox = try await fixture.catalog.outbox(limit: 10)
            #expect(outbox.isEmpty)
            let degraded = try await fixture.outcome(file, in: deposit, copies: 2).receipt
            #expect(degraded.copies == 2)
            #expect(degraded.degraded)
        },
        CatalogBehaviour("copies vouched for to another deposit do not make a commit") { fixture in
            try await fixture.admit(1...3)
            let chunks = try Fixture.chunks(0..<2)
            try await fixture.deposit("before", chunks, on: Fixture.replicas(1...3))
            let deposit = try await fixture.open(level: 3)
            let manifest = try Fixture.manifest(chunks)
            let lacking = try await fixture.catalog.negotiate(
                deposit, chunks: chunks + [manifest], live: Fixture.replicas(1...3), copies: 3)
            #expect(lacking.isEmpty)
            let refused = try await fixture.outcome(
                Fixture.commit("after", chunks), in: deposit, copies: 3)
            #expect(refused.lacking.count == 3)
        },
        CatalogBehaviour(
            "vouched copies that turned bad, absent, unproved or released do not count"
        ) { fixture in
            try await fixture.admit(1...5)
            let chunk = try Fixture.chunk("alone")
            let file = try Fixture.commit("file", [chunk])
            let deposit = try await fixture.open(level: 2)
            try await fixture.prepare([chunk], on: Fixture.replicas(1...5), in: deposit)
            try await fixture.settle(chunk, .bad, on: 1)
            try await fixture.settle(chunk, .absent, on: 2)
            _ = try await fixture.observe(LogPosition(opens: 0, segment: 0, offset: 0), of: 3)
            let tooMany = try await fixture.outcome(file, in: deposit, copies: 3)
            #expect(tooMany.lacking.contains(chunk.id))
            try await fixture.settle(chunk, .good, on: 3)
            let released = try await fixture.release(chunk, on: 4, hashed: 3...5)
            #expect(released)
            let four = try await fixture.outcome(file, in: deposit, copies: 3)
            #expect(four.lacking == [chunk.id])
            let receipt = try await fixture.outcome(file, in: deposit, copies: 2).receipt
            #expect(receipt.copies == 2)
        },
        CatalogBehaviour("fewer copies than a majority are no commit") { fixture in
            try await fixture.admit(1...3)
            let chunks = try Fixture.chunks(0..<1)
            let deposit = try await fixture.open(level: 3)
            try await fixture.prepare(chunks, on: Fixture.replicas(1...3), in: deposit)
            await fixture.expect(.invalidArgument) {
                _ = try await fixture.outcome(
                    Fixture.commit("file", chunks), in: deposit, copies: 1)
            }
        },
        CatalogBehaviour("a manifest that was not staged to its end is no file") { fixture in
            try await fixture.admit(1...1)
            let chunks = try Fixture.chunks(0..<2)
            let file = try Fixture.commit("file", chunks)
            let deposit = try await fixture.open(level: 1)
            try await fixture.send(
                chunks + [file.manifest.text], to: Fixture.replicas(1...1), in: deposit)
            try await fixture.catalog.stage(
                manifest: file.manifest.text, uses: [chunks[0]], pieces: [], isLast: false,
                deposit: deposit)
            await fixture.expect(.manifestInvalid) {
                _ = try await fixture.outcome(file, in: deposit, copies: 1)
            }
        },
        CatalogBehaviour("sequences grow, and a later commit takes the name") { fixture in
            try await fixture.admit(1...2)
            let on = Fixture.replicas(1...2)
            let first = try await fixture.deposit("file", Fixture.chunks(0..<3), on: on)
            let second = try await fixture.deposit("file", Fixture.chunks(1..<4), on: on)
            let other = try await fixture.deposit("other", Fixture.chunks(1..<4), on: on)
            #expect(first.sequence < second.sequence && second.sequence < other.sequence)
            let entry = try await fixture.catalog.file(FileName("file"))
            #expect(entry.sequence == second.sequence)
            #expect(entry.manifest == second.manifest)
            #expect(entry.metadata.mode == 0o644)
            #expect(entry.metadata.contentType == "text/plain")
            #expect(entry.time == 77)
            let highest = try await fixture.catalog.highestSequence()
            #expect(highest == other.sequence)
        },
        CatalogBehaviour("files of one call stand each for itself, but an error takes all") {
            fixture in
            try await fixture.admit(1...2)
            let (whole, poor) = try (Fixture.chunks(0..<2), Fixture.chunks(5..<7))
            let deposit = try await fixture.open(level: 2)
            try await fixture.prepare(whole, on: Fixture.replicas(1...2), in: deposit)
            try await fixture.prepare(poor, on: Fixture.replicas(1...1), in: deposit)
            let files = try [Fixture.commit("poor", poor), Fixture.commit("whole", whole)]
            let unstaged = try Fixture.commit("unstaged", Fixture.chunks(8..<9))
            await fixture.expect(.manifestInvalid) {
                _ = try await fixture.catalog.commit(
                    files + [unstaged], deposit: deposit, copiesRequired: 2, time: 1)
            }
            await fixture.expect(.notFound) {
                _ = try await fixture.catalog.file(FileName("whole"))
            }
            let outcomes = try await fixture.catalog.commit(
                files, deposit: deposit, copiesRequired: 2, time: 1)
            #expect(outcomes[0].lacking.count == 3)
            #expect(try outcomes[1].receipt.name.text == "whole")
        },
        CatalogBehaviour("the empty file is a file") { fixture in
            try await fixture.admit(1...1)
            let receipt = try await fixture.deposit("empty", [], on: Fixture.replicas(1...1))
            #expect(receipt.size == 0)
            #expect(receipt.copies == 1)
            #expect(receipt.newChunks == 0)
        },
    ]
}
