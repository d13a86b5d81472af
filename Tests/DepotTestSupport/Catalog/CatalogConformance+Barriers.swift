import DepotCore
import Testing

extension CatalogConformance {
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
