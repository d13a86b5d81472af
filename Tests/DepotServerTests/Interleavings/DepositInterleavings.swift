import DepotCore
import DepotServer
import DepotTestSupport
import DepotWire
import NIOCore
import Testing

/// What may come between two steps of a deposit.
@Suite struct DepositInterleavings {
    private static let lease = Duration.seconds(3_600)

    /// A client is told that it need not send, and dies. The file that had the chunks is deleted. Until the lease ends
    /// nothing of it goes, however often is collected; and whoever negotiates within that time relies on copies that
    /// stay, also when the dead client's lease ends.
    @Test(arguments: [false, true])
    func `a chunk that need not be sent outlives its depositor until the lease ends`(
        anotherReliesOnIt: Bool
    ) async throws {
        try await TestDepot.run { depot in
            let data = TestDepositor.data(40_000, seed: 200)
            let file = try TestDepositor.file(data)
            let all = file.chunks + file.manifest.objects
            try await depot.deposit("old", data, level: 2)
            let dead = TestDepositor(depot)
            _ = try await dead.open(level: 2)
            #expect(try await dead.negotiate(all).isEmpty)
            #expect(try await depot.http.call(.DELETE, "/v1/files/old").status == 204)
            for _ in 0..<3 { #expect(try await depot.collect().status == 200) }
            #expect(all.allSatisfy { depot.soundCopies(of: $0.id.hash) == 2 })

            depot.clock.advance(by: Self.lease / 2)
            let alive = TestDepositor(depot)
            if anotherReliesOnIt {
                _ = try await alive.open(level: 2)
                #expect(try await alive.negotiate(all).isEmpty)
            }
            depot.clock.advance(by: Self.lease / 2)
            for _ in 0..<3 { #expect(try await depot.collect().status == 200) }
            if anotherReliesOnIt {
                #expect(all.allSatisfy { depot.soundCopies(of: $0.id.hash) == 2 })
                #expect(try TestDepositor.lacking(try await alive.barrier(all)).isEmpty)
                let answer = try await alive.commit("new", file.manifest)
                let result = try answer.json(CommitAnswerBody.self).results[0]
                #expect(result.receipt?.copies == 2)
                #expect(try await depot.content("new").body == data)
            } else {
                #expect(all.allSatisfy { depot.soundCopies(of: $0.id.hash) == 0 })
                _ = try await alive.open(level: 2)
                #expect(try await alive.negotiate(all).count == all.count)
            }
        }
    }

    enum Request: CaseIterable, Sendable { case negotiate, upload, barrier, commit }

    /// A laptop is closed in the middle of a deposit and opened again when its lease is over.
    @Test(arguments: Request.allCases)
    func `a lease that ended while the client slept is told, and the same id works again`(
        next: Request
    ) async throws {
        try await TestDepot.run { depot in
            let data = TestDepositor.data(40_000, seed: 201)
            let file = try TestDepositor.file(data)
            let all = file.chunks + file.manifest.objects
            let client = TestDepositor(depot)
            _ = try await client.open(level: 3)
            _ = try await client.negotiate(all)
            #expect(try await client.upload(all).status == 200)
            #expect(try TestDepositor.lacking(try await client.barrier(all)).isEmpty)
            depot.clock.advance(by: Self.lease)
            #expect(try await depot.collect().status == 200)
            let path = "\(FileServerRoute.deposits)/\(client.deposit)"
            let list = WireList.encode(all.map(ChunkReference.init))
            let answer =
                switch next {
                case .negotiate:
                    try await depot.http.call(.POST, "\(path)/negotiation", body: [list])
                case .upload: try await client.upload(all)
                case .barrier: try await client.barrier(all)
                case .commit: try await client.commit("file", file.manifest)
                }
            let error = answer.error ?? (try? answer.json(CommitAnswerBody.self))?.results[0].error
            #expect(error?.code == .leaseEnded)
            #expect(try await depot.content("file").status == 404)
            #expect(try await depot.collect().status == 200)
            #expect(all.allSatisfy { depot.soundCopies(of: $0.id.hash) == 0 })
            let receipt = try await TestDepositor(depot, deposit: client.deposit)
                .deposit("file", data, level: 3)
            #expect(receipt.copies == 3 && receipt.newBytes == 40_000)
            #expect(try await depot.content("file").body == data)
        }
    }

    /// The answer to a commit is lost. Before the client asks again, somebody else commits to the name. The client gets
    /// its receipt, and the newer content stays.
    @Test(arguments: [false, true])
    func `a commit that is asked for again takes nothing back`(leaseIsOver: Bool) async throws {
        try await TestDepot.run { depot in
            let first = try TestDepositor.file(TestDepositor.data(30_000, seed: 202))
            let all = first.chunks + first.manifest.objects
            let client = TestDepositor(depot)
            _ = try await client.open(level: 2)
            _ = try await client.negotiate(all)
            _ = try await client.upload(all)
            _ = try await client.barrier(all)
            let lost = try await client.commit("file", first.manifest)
                .json(CommitAnswerBody.self).results[0].receipt
            let newer = TestDepositor.data(30_000, seed: 203)
            try await depot.deposit("file", newer, level: 2)
            if leaseIsOver {
                depot.clock.advance(by: Self.lease)
                #expect(try await depot.collect().status == 200)
            }
            let again = try await client.commit("file", first.manifest)
                .json(CommitAnswerBody.self).results[0]
            #expect(lost != nil && again.receipt == lost, "\(again)")
            #expect(try await depot.content("file").body == newer)
            #expect(try await depot.verify().exitCode == 0)
        }
    }

    /// A page of an inventory is made, then chunks arrive, are vouched for and committed, and then the page is compared
    /// with what the catalog believes.
    @Test func `an inventory that is taken during an upload loses and releases nothing`()
        async throws
    {
        try await TestDepot.run { depot in
            try await depot.ready()
            try await depot.deposit("before", TestDepositor.data(30_000, seed: 204), level: 3)
            let data = TestDepositor.data(60_000, seed: 205)
            for (index, replica) in depot.replicas.enumerated() {
                replica.state.withLock { state in
                    state.afterInventory = {
                        do {
                            try await depot.deposit("during\(index)", data, level: 3)
                        } catch {
                            Issue.record(error)
                        }
                    }
                }
            }
            let body = try await depot.verify()
            #expect(body.exitCode == 0, "\(body)")
            #expect(body.problemCount == 0)
            for name in ["before", "during0", "during1", "during2"] {
                for (chunk, copies) in try await depot.goodCopies(name) {
                    #expect(copies.count == 3)
                    #expect(depot.soundCopies(of: chunk) == 3)
                }
            }
        }
    }
}
