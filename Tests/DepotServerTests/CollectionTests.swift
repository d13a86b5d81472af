import DepotCore
import DepotServer
import DepotTestSupport
import DepotWire
import NIOCore
import Testing

@Suite struct CollectionTests {
    /// A file at level 2, deleted; its chunks are collected after a thousand seconds.
    private static func run(
        _ test: (TestDepot, [ChunkID]) async throws -> Void
    ) async throws {
        try await TestDepot.run { depot in
            try await depot.ready()
            try await depot.deposit("gone", TestDepositor.data(40_000, seed: 240), level: 2)
            try await depot.deposit("kept", TestDepositor.data(40_000, seed: 241), level: 2)
            let chunks = try await depot.goodCopies("gone").keys.sorted()
            #expect(try await depot.http.call(.DELETE, "/v1/files/gone").status == 204)
            try await test(depot, chunks)
        }
    }

    private static func body(_ answer: HTTPCaller.Answer) throws -> CollectionBody {
        try #require(answer.status == 200, "\(String(buffer: answer.body))")
        return try answer.json(CollectionBody.self)
    }

    @Test func `chunks go after the grace time, in running time whatever the wall clock says`()
        async throws
    {
        try await Self.run { (depot, chunks) async throws in
            func collect() async throws -> Int {
                try Self.body(try await depot.collect(grace: 1_000)).deletedCopies
            }
            #expect(try await collect() == 0)
            for days: Int64 in [-400, 3_650, 0] {
                depot.clock.setWall(ahead: days)
                #expect(try await collect() == 0)
            }
            depot.clock.advance(by: .seconds(990))
            #expect(try await collect() == 0)
            #expect(chunks.allSatisfy { depot.soundCopies(of: $0) == 2 })
            depot.clock.setWall(ahead: -400)
            depot.clock.advance(by: .seconds(1_000))
            #expect(try await collect() == 2 * chunks.count)
            #expect(chunks.allSatisfy { depot.soundCopies(of: $0) == 0 })
            #expect(try await depot.content("kept").status == 200)
            #expect(try await depot.verify().exitCode == 0)
        }
    }

    @Test func `a plan changes nothing and tells what will be done`() async throws {
        try await Self.run { (depot, chunks) async throws in
            #expect(try await depot.collect(grace: 1_000).status == 200)
            depot.clock.advance(by: .seconds(1_001))
            for _ in 0..<2 {
                let plan = try Self.body(try await depot.collect(grace: 1_000, planOnly: true))
                #expect(plan.planOnly && plan.deletedCopies == 0)
                #expect(plan.plan.readyChunks == chunks.count)
                #expect(plan.plan.readyCopies == 2 * chunks.count)
                #expect(chunks.allSatisfy { depot.soundCopies(of: $0) == 2 })
            }
            let plan = try Self.body(try await depot.collect(grace: 1_000, planOnly: true)).plan
            let done = try Self.body(try await depot.collect(grace: 1_000))
            #expect(done.deletedCopies == plan.readyCopies)
            #expect(done.deletedBytes == plan.readyBytes)
        }
    }

    @Test func `old records go, the newest and tombstones stay`() async throws {
        try await Self.run { (depot, _) async throws in
            try await depot.deposit("kept", TestDepositor.data(9_000, seed: 242), level: 2)
            try await depot.eventually("records are where they belong") {
                try await depot.catalog.outbox(limit: 1).isEmpty
            }
            // kept twice, gone, its tombstone.
            #expect(depot.replicas.allSatisfy { $0.recordCount == 4 })
            _ = try Self.body(try await depot.collect())
            #expect(depot.replicas.allSatisfy { $0.recordCount == 2 })
            // Everybody has shown all that it holds: nothing is left that the tombstone holds down.
            _ = try await depot.verify()
            _ = try Self.body(try await depot.collect())
            #expect(depot.replicas.allSatisfy { $0.recordCount == 1 })
            #expect(try await depot.content("gone").status == 404)
            #expect(try await depot.verify().exitCode == 0)
        }
    }

    /// An old replica returns with the record of a file that was deleted meanwhile.
    @Test func `a tombstone stays while somebody away may hold what it holds down`() async throws {
        try await TestDepot.run { depot in
            try await depot.ready()
            try await depot.deposit("gone", TestDepositor.data(9_000, seed: 243), level: 3)
            try await depot.eventually("records are where they belong") {
                try await depot.catalog.outbox(limit: 1).isEmpty
            }
            depot.replicas[2].mood = .unreachable
            try await depot.awaitState(.down, of: 2)
            #expect(try await depot.http.call(.DELETE, "/v1/files/gone").status == 204)
            depot.clock.advance(by: .seconds(100 * 86_400))
            try await depot.awaitState(.lost, of: 2)
            for _ in 0..<3 {
                _ = try await depot.verify()
                _ = try Self.body(try await depot.collect())
            }
            #expect(depot.replicas.prefix(2).allSatisfy { $0.recordCount == 1 })
            depot.replicas[2].mood = .well
            try await depot.awaitState(.up, of: 2)
            #expect(try await depot.content("gone").status == 404)
            for _ in 0..<3 {
                _ = try await depot.verify()
                _ = try Self.body(try await depot.collect())
            }
            #expect(try await depot.content("gone").status == 404)
            #expect(depot.replicas.allSatisfy { $0.chunkCount == 0 })
            #expect(depot.replicas.allSatisfy { $0.recordCount == 0 })
        }
    }

    @Test func `a replica that cannot take part is named, the others go on`() async throws {
        try await Self.run { (depot, chunks) async throws in
            depot.replicas[0].mood = .unreachable
            try await depot.awaitState(.down, of: 0)
            let done = try Self.body(try await depot.collect())
            #expect(done.skipped.keys.sorted() == ["r1:7401"])
            let others = depot.replicas.suffix(2)
            #expect(chunks.allSatisfy { chunk in others.allSatisfy { !$0.holds(chunk) } })
            depot.replicas[0].mood = .well
            try await depot.awaitState(.up, of: 0)
            #expect(try Self.body(try await depot.collect()).skipped.isEmpty)
            #expect(chunks.allSatisfy { !depot.replicas[0].holds($0) })
        }
    }

    @Test func `a collection holds up no deposit, and there is one at a time`() async throws {
        try await Self.run { (depot, chunks) async throws in
            for link in depot.links { link.inject(.hang, into: .delete, calls: .all) }
            async let collection = depot.collect()
            try await eventually("it deletes") {
                depot.links.contains { $0.hangingCount > 0 }
            }
            let data = TestDepositor.data(40_000, seed: 244)
            try await depot.deposit("during", data, level: 3)
            #expect(try await depot.content("during").body == data)
            #expect(try await depot.collect().error?.code == .conflict)
            for link in depot.links { link.heal() }
            #expect(try Self.body(try await collection).deletedCopies == 2 * chunks.count)
            #expect(try await depot.content("during").body == data)
        }
    }

    /// Space comes back by unlinking what is dead; on a full disk that has to come before anything is moved.
    @Test
    func `the deadest segments are compacted first, and one that does not fit ends nothing else`()
        async throws
    {
        try await TestDepot.run(replicas: 2) { depot in
            let full = DepotError(.storageFull, "the live copies do not fit")
            depot.links[0].inject(.refuse(full), into: .compact, calls: .all)
            for seed: UInt64 in [245, 246] {
                try await depot.deposit("f\(seed)", TestDepositor.data(9_000, seed: seed), level: 2)
                for replica in depot.replicas { replica.seal() }
            }
            for replica in depot.replicas { replica.state.withLock { $0.deadShare = 0.5 } }
            let done = try Self.body(try await depot.collect())
            #expect(done.skipped.isEmpty)
            #expect(done.compactedSegments == 2)
            #expect(depot.replicas[1].state.withLock { $0.compacted } == [2, 1])
        }
    }
}
