import DepotCore
import DepotServer
import DepotTestSupport
import DepotWire
import NIOCore
import Testing

@Suite struct DrainTests {
    private static func isDrained(_ depot: TestDepot, _ replica: Int) async throws {
        try await depot.eventually("it is drained") {
            try await depot.drainStatus(replica).isSafeToRemove
        }
    }

    @Test
    func `a drained replica is empty of chunks and records, and nothing is missing without it`()
        async throws
    {
        try await TestDepot.run(replicas: 4) { depot in
            try await depot.ready()
            let data = TestDepositor.data(100_000, seed: 250)
            try await depot.deposit("file", data, level: 3)
            try await depot.deposit("gone", TestDepositor.data(9_000, seed: 251), level: 3)
            #expect(try await depot.http.call(.DELETE, "/v1/files/gone").status == 204)
            #expect(try await depot.drain(0).status == 200)
            try await Self.isDrained(depot, 0)
            #expect(try await depot.state(of: 0) == .draining)
            let status = try await depot.drainStatus(0)
            #expect(status.chunksLeft == 0 && status.recordsLeft == 0 && status.problem == nil)
            // What nobody uses is left to collection.
            #expect(depot.replicas[0].chunkCount == status.unusedChunks)
            #expect(depot.replicas[0].recordCount == 0)
            #expect(depot.replicas.dropFirst().allSatisfy { $0.recordCount >= 2 })
            depot.replicas[0].mood = .unreachable
            #expect(try await depot.content("file").body == data)
            for chunk in try await depot.goodCopies("file").keys {
                #expect(depot.replicas.dropFirst().count { $0.holdsSoundly(.chunk(chunk)) } == 3)
            }
            #expect(try await depot.forget(0).status == 200)
            #expect(try await depot.catalog.members().count == 3)
            #expect(try await depot.verify().exitCode == 0)
        }
    }

    @Test func `one that is down is drained from the others' copies`() async throws {
        try await TestDepot.run(replicas: 4) { depot in
            try await depot.ready()
            try await depot.deposit("file", TestDepositor.data(100_000, seed: 252), level: 3)
            depot.replicas[1].mood = .unreachable
            try await depot.awaitState(.down, of: 1)
            #expect(try await depot.drain(1).status == 200)
            try await Self.isDrained(depot, 1)
            let others = [0, 2, 3].map { depot.replicas[$0] }
            for chunk in try await depot.goodCopies("file").keys {
                #expect(others.allSatisfy { $0.holdsSoundly(.chunk(chunk)) })
            }
            #expect(others.allSatisfy { $0.recordCount == 1 })
            #expect(try await depot.forget(1).status == 200)
        }
    }

    /// Records that could not be delivered had been opened in the round before, and were not counted as left.
    @Test func `one that is down is not drained while records have nowhere to go`() async throws {
        try await TestDepot.run(replicas: 4) { depot in
            try await depot.ready()
            try await depot.deposit("file", TestDepositor.data(9_000, seed: 253), level: 1)
            try await depot.eventually("records are where they belong") {
                try await depot.catalog.outbox(limit: 1).isEmpty
            }
            let holder = try #require(
                depot.replicas.indices.first {
                    depot.replicas[$0].recordCount == 1 && depot.replicas[$0].chunkCount == 0
                })
            let empty = try #require(depot.replicas.firstIndex { $0.recordCount == 0 })
            let down = DepotError(.busy, "not now")
            depot.links[empty].inject(.refuse(down), into: .put, calls: .all)
            depot.replicas[holder].mood = .unreachable
            try await depot.awaitState(.down, of: holder)
            #expect(try await depot.drain(holder).status == 200)
            let before = depot.links[empty].count(of: .put)
            try await depot.eventually("several rounds found nothing to do but that") {
                depot.links[empty].count(of: .put) >= before + 8
            }
            let status = try await depot.drainStatus(holder)
            #expect(status.state == .draining && status.recordsLeft == 1)
            depot.links[empty].heal()
            try await Self.isDrained(depot, holder)
            #expect(depot.replicas[empty].recordCount == 1)
        }
    }

    @Test func `a drain that is stopped leaves everything whole, and can go on`() async throws {
        try await TestDepot.run(replicas: 4) { depot in
            try await depot.ready()
            let data = TestDepositor.data(200_000, seed: 254)
            try await depot.deposit("file", data, level: 3)
            for link in depot.links { link.inject(.hang, into: .put, calls: .nth(1)) }
            #expect(try await depot.drain(2).status == 200)
            try await eventually("copies are being made") {
                depot.links.contains { $0.hangingCount > 0 }
            }
            #expect(try await depot.stopDrain(2).state == .stopped)
            for link in depot.links { link.heal() }
            try await depot.awaitState(.up, of: 2)
            _ = try await depot.verify()
            #expect(try await depot.verify().exitCode == 0)
            #expect(try await depot.content("file").body == data)
            #expect(try await depot.drain(2).status == 200)
            try await Self.isDrained(depot, 2)
            #expect(depot.replicas[2].chunkCount == 0)
        }
    }

    /// A deposit had chosen the replica, and it had vouched, before it was drained.
    @Test func `a deposit that counts on it is waited for`() async throws {
        try await TestDepot.run(replicas: 4) { depot in
            try await depot.ready()
            let file = try TestDepositor.file(TestDepositor.data(60_000, seed: 255))
            let all = file.chunks + file.manifest.objects
            let client = TestDepositor(depot)
            _ = try await client.open(level: 3)
            _ = try await client.negotiate(all)
            #expect(try await client.upload(all).status == 200)
            #expect(try TestDepositor.lacking(try await client.barrier(all)).isEmpty)
            #expect(try await depot.drain(0).status == 200)
            try await depot.eventually("it waits") {
                try await depot.drainStatus(0).depositsLeft == 1
            }
            #expect(try await depot.drainStatus(0).state == .draining)
            var answer = try await client.commit("file", file.manifest)
            if try answer.json(CommitAnswerBody.self).results[0].receipt == nil {
                // Copies were dropped from under it: it is told which, and has them elsewhere.
                #expect(try TestDepositor.lacking(try await client.barrier(all)).isEmpty)
                answer = try await client.commit("file", file.manifest)
            }
            #expect(try answer.json(CommitAnswerBody.self).results[0].receipt != nil)
            #expect(try await client.close().status == 204)
            try await Self.isDrained(depot, 0)
            #expect(depot.replicas[0].chunkCount == 0)
            for chunk in all { #expect(depot.soundCopies(of: chunk.id.hash) == 3) }
        }
    }

    @Test func `where a level could not be kept it is refused, unless that is forced`()
        async throws
    {
        try await TestDepot.run { depot in
            try await depot.ready()
            try await depot.deposit("file", TestDepositor.data(9_000, seed: 256), level: 3)
            let refused = try await depot.drain(0)
            #expect(refused.error?.code == .notEnoughReplicas)
            #expect(refused.error?.message.contains("'file' asks for 3 copies") == true)
            #expect(try await depot.drain(0, force: true).status == 200)
            try await depot.eventually("it says why it does not end") {
                let status = try await depot.drainStatus(0)
                return status.stuckChunks == 1 && status.problem != nil
            }
            #expect(try await depot.drainStatus(0).state == .draining)
            #expect(depot.replicas[0].chunkCount == 1)
        }
    }
}
