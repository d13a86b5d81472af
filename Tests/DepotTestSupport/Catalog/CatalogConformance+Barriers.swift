import DepotCore
import Testing

extension CatalogConformance {
    static let barriersOfCommits: [CatalogBehaviour] = [
        CatalogBehaviour("a commit takes the word of replicas, and files with it") { fixture in
            try await fixture.admit(1...3)
            let chunks = try Fixture.chunks(0..<5)
            let files = try chunks.map { try Fixture.commit("file \($0.length)", only: $0) }
            let deposit = try await fixture.open(level: 3)
            let without = try await fixture.outcome(files[0], in: deposit, copies: 2)
            #expect(without.lacking == [chunks[0].id])
            var durable = Dictionary(
                uniqueKeysWithValues: chunks.map { ($0, Fixture.replicas(1...3)) })
            durable[chunks[3]] = Fixture.replicas(2...2)
            let outcomes = try await fixture.commit(files, in: deposit, hearing: durable)
            #expect(outcomes[3].lacking == [chunks[3].id], "one copy is not two")
            for place in [0, 1, 2, 4] {
                let receipt = try outcomes[place].receipt
                #expect(receipt.copies == 3 && receipt.newChunks == 1)
                #expect(try await fixture.status(chunks[place])?.good.count == 3)
            }
            #expect(try await fixture.status(chunks[3])?.good == [Fixture.replica(2)])
            // What it brought is there for the next file of the same content.
            let twin = try Fixture.commit("twin", only: chunks[0])
            let again = try await fixture.commit(
                [twin, files[3]], in: deposit,
                hearing: [chunks[0]: Fixture.replicas(1...3), chunks[3]: Fixture.replicas(1...1)])
            #expect(try again[0].receipt.newChunks == 0)
            #expect(try again[1].receipt.copies == 2, "its words add up")
            try await fixture.catalog.closeDeposit(deposit)
            try await fixture.catalog.markUnused()
            for chunk in chunks { #expect(try await fixture.status(chunk)?.target == 3) }
        },
        CatalogBehaviour("a word that was overtaken is heard by no commit") { fixture in
            try await fixture.admit(1...2)
            let (chunk, other) = (try Fixture.chunk("chunk"), try Fixture.chunk("other"))
            let file = try Fixture.commit("file", only: chunk)
            let deposit = try await fixture.open(level: 2)
            let mark = try await fixture.catalog.mark()
            let strays = try await fixture.catalog.strays(among: [chunk.id], on: Fixture.replica(1))
            #expect(strays == [chunk.id])
            await fixture.expect(.conflict) {
                _ = try await fixture.commit(
                    [try Fixture.commit("other", only: other), file], in: deposit,
                    hearing: [
                        chunk: Fixture.replicas(1...2), other: Fixture.replicas(1...2),
                    ], asOf: mark)
            }
            #expect(try await fixture.status(chunk) == nil)
            #expect(try await fixture.status(other) == nil, "nothing of it was taken")
            #expect(try await fixture.names(prefix: "", page: 10).isEmpty)
            try await fixture.loseLog(of: 2, round: 0)
            let late = try await fixture.commit(
                [file], in: deposit, hearing: [chunk: Fixture.replicas(2...2)], asOf: mark)
            #expect(late[0].lacking == [chunk.id], "from before the log went back")
            await fixture.expect(.notFound) {
                _ = try await fixture.commit(
                    [file], in: deposit, hearing: [chunk: Fixture.replicas(2...3)])
            }
            let now = try await fixture.commit(
                [file], in: deposit, hearing: [chunk: Fixture.replicas(1...2)])
            #expect(try now[0].receipt.copies == 2)
        },
        CatalogBehaviour("a commit that is asked for again hears nothing") { fixture in
            try await fixture.admit(1...2)
            let chunk = try Fixture.chunk("chunk")
            let file = try Fixture.commit("file", only: chunk)
            let deposit = try await fixture.open(level: 2)
            let word = [chunk: Fixture.replicas(1...2)]
            let first = try await fixture.commit([file], in: deposit, hearing: word)[0].receipt
            try await fixture.catalog.closeDeposit(deposit)
            fixture.advance(Fixture.lease * 2)
            let mark = try await fixture.catalog.mark()
            let again = try await fixture.commit([file], in: deposit, hearing: word, asOf: mark)
            #expect(try again[0].receipt == first)
            await fixture.expect(.leaseEnded) {
                _ = try await fixture.commit(
                    [try Fixture.commit("new", only: chunk)], in: deposit, hearing: word)
            }
        },
    ]

    static let barriers: [CatalogBehaviour] = [
        CatalogBehaviour("two deposits bring one new chunk, and each holds it") { fixture in
            try await fixture.admit(1...2)
            let (chunk, on) = (try Fixture.chunk("chunk"), Fixture.replicas(1...2))
            let deposits = [try await fixture.open(level: 2), try await fixture.open(level: 1)]
            for deposit in deposits {
                let lacking = try await fixture.catalog.negotiate(
                    deposit, chunks: [chunk], live: on, copies: 1)
                #expect(lacking == [chunk])
            }
            for (deposit, number) in zip(deposits, [1, 2] as [UInt8]) {
                try await fixture.catalog.prove(
                    BarrierProof(durable: [chunk: [Fixture.replica(number)]]),
                    asOf: fixture.catalog.mark(), deposit: deposit)
            }
            #expect(try await fixture.status(chunk)?.good.count == 2)
            #expect(try await fixture.status(chunk)?.target == 2)
            try await fixture.catalog.closeDeposit(deposits[0])
            #expect(try await fixture.status(chunk)?.target == 1, "the second holds it, too")
            // To each its own vouches.
            let file = try Fixture.commit("file", [chunk])
            try await fixture.send([file.manifest.text], to: on, in: deposits[1])
            try await fixture.catalog.stage(
                manifest: file.manifest.text, uses: [chunk], pieces: [], isLast: true,
                deposit: deposits[1])
            let two = try await fixture.outcome(file, in: deposits[1], copies: 2).lacking
            #expect(two == [chunk.id])
            let receipt = try await fixture.outcome(file, in: deposits[1], copies: 1).receipt
            #expect(receipt.newChunks == 0, "the other one brought it")
        },
        CatalogBehaviour("a vouch for what was deleted as a stray since brings nothing in") {
            fixture in
            try await fixture.admit(1...2)
            let chunk = try Fixture.chunk("chunk")
            let deposit = try await fixture.open(level: 1)
            _ = try await fixture.catalog.negotiate(
                deposit, chunks: [chunk], live: Fixture.replicas(1...2), copies: 1)
            // Both replicas vouch. Somebody else's deposit had left the chunk on the first one, too.
            let mark = try await fixture.catalog.mark()
            let strays = try await fixture.catalog.strays(
                among: [chunk.id], on: Fixture.replica(1))
            #expect(strays == [chunk.id])
            await fixture.expect(.conflict) {
                try await fixture.catalog.prove(
                    BarrierProof(durable: [chunk: Fixture.replicas(1...2)]), asOf: mark,
                    deposit: deposit)
            }
            #expect(try await fixture.status(chunk) == nil)
            try await fixture.catalog.prove(
                BarrierProof(durable: [chunk: [Fixture.replica(2)]]), asOf: mark, deposit: deposit)
            #expect(try await fixture.status(chunk)?.good == [Fixture.replica(2)])
            try await fixture.catalog.prove(
                BarrierProof(durable: [chunk: [Fixture.replica(1)]]),
                asOf: fixture.catalog.mark(), deposit: deposit)
            #expect(try await fixture.status(chunk)?.good.count == 2, "asked again")
            let kept = try await fixture.catalog.strays(
                among: [chunk.id], on: Fixture.replica(1))
            #expect(kept.isEmpty)
        },
        CatalogBehaviour("a vouch from before a log went back brings nothing in") { fixture in
            try await fixture.admit(1...2)
            let chunk = try Fixture.chunk("chunk")
            let deposit = try await fixture.open(level: 1)
            let mark = try await fixture.catalog.mark()
            try await fixture.loseLog(of: 1, round: 0)
            let proof = BarrierProof(durable: [chunk: [Fixture.replica(1)]])
            try await fixture.catalog.prove(proof, asOf: mark, deposit: deposit)
            #expect(try await fixture.status(chunk) == nil)
            try await fixture.catalog.prove(
                proof, asOf: fixture.catalog.mark(), deposit: deposit)
            #expect(try await fixture.state(chunk, on: 1) == .good)
        },
        CatalogBehaviour("a vouch for what was collected since it was named brings nothing back") {
            fixture in
            try await fixture.admit(1...1)
            let (chunk, on) = (try Fixture.chunk("chunk"), Fixture.replicas(1...1))
            let (first, second) = (
                try await fixture.open(level: 1), try await fixture.open(level: 1)
            )
            _ = try await fixture.catalog.negotiate(second, chunks: [chunk], live: on, copies: 1)
            try await fixture.send([chunk], to: on, in: first)
            try await fixture.catalog.closeDeposit(first)
            let mark = try await fixture.catalog.mark()
            try await fixture.catalog.markUnused()
            let gone = try await fixture.catalog.releaseUnused(
                [chunk.id], for: CollectionGrace(.zero), on: Fixture.replica(1))
            #expect(gone == [chunk.id])
            try await fixture.catalog.removeReleased([chunk.id], on: Fixture.replica(1))
            try await fixture.catalog.markUnused()
            let proof = BarrierProof(durable: [chunk: on])
            try await fixture.catalog.prove(proof, asOf: mark, deposit: second)
            #expect(try await fixture.status(chunk)?.holdings.isEmpty != false)
            // The same when nothing is known of the chunk any more.
            for _ in 0..<2 {
                fixture.advance(.seconds(1_000_000))
                try await fixture.catalog.openDeposit(
                    DepositOpening(
                        deposit: second, level: ReplicationLevel(1), lease: Fixture.lease))
                try await fixture.catalog.markUnused()
                try await fixture.settle(Fixture.chunk("other"), .absent, on: 1)
            }
            do {
                try await fixture.catalog.prove(proof, asOf: mark, deposit: second)
            } catch {
                #expect((error as? DepotError)?.code == .conflict)
            }
            #expect(try await fixture.status(chunk)?.holdings.isEmpty != false)
        },
        CatalogBehaviour("what an inventory shows before its barrier is the deposit's from then on")
        {
            fixture in
            try await fixture.admit(1...1)
            let (chunk, on) = (try Fixture.chunk("chunk"), Fixture.replicas(1...1))
            let deposit = try await fixture.open(level: 1)
            _ = try await fixture.catalog.negotiate(deposit, chunks: [chunk], live: on, copies: 1)
            _ = try await fixture.show([Fixture.entry(chunk)], of: 1)
            #expect(try await fixture.status(chunk)?.target == 0)
            try await fixture.catalog.prove(
                BarrierProof(durable: [chunk: on]), asOf: fixture.catalog.mark(), deposit: deposit)
            #expect(try await fixture.status(chunk)?.target == 1)
            try await fixture.catalog.markUnused()
            let gone = try await fixture.catalog.releaseUnused(
                [chunk.id], for: CollectionGrace(.zero), on: Fixture.replica(1))
            #expect(gone.isEmpty)
        },
    ]
}
