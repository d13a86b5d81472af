import DepotCore
import Testing

extension CatalogConformance {
    static let receipts: [CatalogBehaviour] = [
        CatalogBehaviour("the same deposit and name get the same receipt, whatever came since") {
            fixture in
            try await fixture.admit(1...2)
            let chunks = try Fixture.chunks(0..<3)
            let file = try Fixture.commit("file", chunks)
            let deposit = try await fixture.open(level: 2)
            try await fixture.prepare(chunks, on: Fixture.replicas(1...2), in: deposit)
            let first = try await fixture.outcome(file, in: deposit, copies: 2)
            func expectAgain(_ when: Comment) async throws {
                let again = try await fixture.outcome(file, in: deposit, copies: 2, time: 99)
                #expect(again == first, when)
                let receipt = try await fixture.catalog.receipt(of: file.name, deposit: deposit)
                #expect(try receipt == first.receipt, when)
            }
            try await expectAgain("at once")
            try await fixture.deposit("file", Fixture.chunks(7..<9), on: Fixture.replicas(1...2))
            try await expectAgain("after another commit")
            fixture.advance(.seconds(601))
            try await expectAgain("after the lease")
            _ = try await fixture.catalog.delete(file.name, time: 5)
            try await expectAgain("after the deletion")
            let outbox = try await fixture.catalog.outbox(limit: 10)
            #expect(outbox.count == 3, "no second commit")
            await fixture.expect(.conflict) { try await fixture.reopen(deposit, level: 1) }
        },
        CatalogBehaviour("the same deposit and name with another manifest is a conflict") {
            fixture in
            try await fixture.admit(1...1)
            let (old, new) = try (Fixture.chunks(0..<1), Fixture.chunks(1..<2))
            let deposit = try await fixture.open(level: 1)
            try await fixture.deposit(
                "file", old, on: Fixture.replicas(1...1), keepingLease: deposit)
            try await fixture.prepare(new, on: Fixture.replicas(1...1), in: deposit)
            await fixture.expect(.conflict) {
                _ = try await fixture.outcome(
                    Fixture.commit("file", new), in: deposit, copies: 1)
            }
            let entry = try await fixture.catalog.file(FileName("file"))
            #expect(try entry.manifest.text == Fixture.manifest(old))
        },
        CatalogBehaviour("a receipt is kept for its time after the deposit ended, and no longer") {
            fixture in
            try await fixture.admit(1...1)
            let on = Fixture.replicas(1...1)
            let chunks = try Fixture.chunks(0..<2)
            let receipt = try await fixture.deposit("file", chunks, on: on)
            func kept() async throws -> Receipt? {
                try await fixture.catalog.markUnused()
                return try await fixture.catalog.receipt(of: receipt.name, deposit: receipt.deposit)
            }
            fixture.advance(Receipt.keptFor - .seconds(1))
            let early = try await kept()
            #expect(early == receipt)
            let again = try await fixture.outcome(
                Fixture.commit("file", chunks), in: receipt.deposit, copies: 1)
            #expect(try again.receipt == receipt)
            fixture.advance(.seconds(1))
            let late = try await kept()
            #expect(late == nil)
            // The file is none of it, and the id is as good as new.
            let entry = try await fixture.catalog.file(receipt.name)
            #expect(entry.sequence == receipt.sequence)
            await fixture.expect(.leaseEnded) {
                _ = try await fixture.outcome(
                    Fixture.commit("file", chunks), in: receipt.deposit, copies: 1)
            }
            try await fixture.reopen(receipt.deposit, level: 2)
        },
        CatalogBehaviour("a deposit that is opened again keeps its receipts from its end anew") {
            fixture in
            try await fixture.admit(1...1)
            let receipt = try await fixture.deposit(
                "file", Fixture.chunks(0..<2), on: Fixture.replicas(1...1))
            fixture.advance(Receipt.keptFor - .seconds(1))
            try await fixture.reopen(receipt.deposit, level: 1)
            fixture.advance(.seconds(2))
            for advanced in [Duration.zero, Fixture.lease, Receipt.keptFor - .seconds(1)] {
                fixture.advance(advanced)
                try await fixture.catalog.markUnused()
                let kept = try await fixture.catalog.receipt(
                    of: receipt.name, deposit: receipt.deposit)
                #expect(kept == receipt, "\(advanced)")
            }
            fixture.advance(.seconds(1))
            try await fixture.catalog.markUnused()
            let gone = try await fixture.catalog.receipt(of: receipt.name, deposit: receipt.deposit)
            #expect(gone == nil)
        },
        CatalogBehaviour("there is no receipt where nothing was committed") { fixture in
            let name = try FileName("file")
            let none = try await fixture.catalog.receipt(of: name, deposit: .random())
            #expect(none == nil)
        },
        CatalogBehaviour("new is what had no good copy when the deposit first named it") {
            fixture in
            try await fixture.admit(1...2)
            let on = Fixture.replicas(1...2)
            let known = try await fixture.deposit("known", Fixture.chunks(0..<4), on: on)
            #expect(known.newChunks == 4)
            #expect(known.newBytes == known.size)
            #expect(known.sharedBytes == 0)
            let half = try await fixture.deposit("half", Fixture.chunks(2..<6), on: on)
            #expect(half.newChunks == 2)
            #expect(half.newBytes == 1_004 + 1_005)
            #expect(half.sharedBytes == 1_002 + 1_003)
            let again = try await fixture.deposit("again", Fixture.chunks(2..<6), on: on)
            #expect(again.newChunks == 0)
            #expect(again.sharedBytes == again.size)
        },
        CatalogBehaviour("a chunk that heals is not new, and one that is sent again stays new") {
            fixture in
            let healed = try await fixture.oneFile()
            try await fixture.settle(healed, .bad, on: 1)
            let fresh = try Fixture.chunk("fresh", length: 5)
            let deposit = try await fixture.open(level: 3)
            try await fixture.send([healed, fresh], to: Fixture.replicas(1...3), in: deposit)
            let receipt = try await fixture.deposit(
                "healed", [healed, fresh], on: Fixture.replicas(1...3), keepingLease: deposit)
            #expect(receipt.newChunks == 1)
            #expect(receipt.newBytes == 5)
            #expect(receipt.sharedBytes == 1_000)
        },
        CatalogBehaviour("files of one deposit count a chunk that they share once") { fixture in
            try await fixture.admit(1...1)
            let on = Fixture.replicas(1...1)
            let deposit = try await fixture.open(level: 1)
            let one = try await fixture.deposit(
                "one", Fixture.chunks(0..<3), on: on, keepingLease: deposit)
            let two = try await fixture.deposit(
                "two", Fixture.chunks(1..<4), on: on, keepingLease: deposit)
            #expect([one.newChunks, two.newChunks] == [3, 1])
            #expect(two.newBytes == 1_003)
            #expect(two.newBytes + two.sharedBytes == two.size)
        },
        CatalogBehaviour("a repeated chunk counts once, and pieces of a manifest not at all") {
            fixture in
            try await fixture.admit(1...1)
            let (chunk, piece) = try (Fixture.chunk("again and again"), Fixture.chunk("piece"))
            let file = try Fixture.commit("file", [chunk, chunk, chunk])
            let deposit = try await fixture.open(level: 1)
            try await fixture.send(
                [chunk, piece, file.manifest.text], to: Fixture.replicas(1...1), in: deposit)
            try await fixture.catalog.stage(
                manifest: file.manifest.text, uses: [chunk, chunk, chunk], pieces: [piece],
                isLast: true, deposit: deposit)
            let receipt = try await fixture.outcome(file, in: deposit, copies: 1).receipt
            #expect(receipt.chunks == 3)
            #expect(receipt.size == 3_000)
            #expect(receipt.newChunks == 1)
            #expect(receipt.newBytes + receipt.sharedBytes == 1_000)
        },
    ]
}
