import DepotCore
import DepotServer
import DepotWire
import NIOCore
import Testing

/// A replica that stays away: when it counts as lost, what is done then, and what when it comes back.
@Suite struct AbsenceTests {
    private static let grace = Duration.seconds(600)

    /// Deposits at level 3 and takes a holder of everything away.
    private static func run(
        replicas: Int, away: [Int],
        _ test: (TestDepot, ByteBuffer) async throws -> Void
    ) async throws {
        try await TestDepot.run(replicas: replicas) { depot in
            try await depot.ready()
            let data = TestDepositor.data(64_000, seed: 70)
            try await depot.deposit("file", data, level: 3)
            try await depot.eventually("records are where they belong") {
                try await depot.catalog.outbox(limit: 1).isEmpty
            }
            for index in away {
                depot.replicas[index].mood = .unreachable
                try await depot.awaitState(.down, of: index)
            }
            try await test(depot, data)
        }
    }

    @Test func `a lost replica is no damage once everything is whole elsewhere`() async throws {
        try await Self.run(replicas: 4, away: [3]) { depot, data in
            let within = try await depot.verify()
            #expect(within.exitCode == 8)
            #expect(within.replicas.first { $0.skipped != nil } != nil)
            #expect(within.copiesMade == 0)
            depot.clock.advance(by: Self.grace)
            try await depot.awaitState(.lost, of: 3)
            let after = try await depot.verify()
            #expect(after.exitCode == 0, "\(after)")
            #expect(after.lost == ["r4:7401"])
            for chunk in try await depot.goodCopies("file").keys {
                #expect(depot.replicas.prefix(3).count { $0.holdsSoundly(.chunk(chunk)) } == 3)
            }
            #expect(try await depot.content("file").body == data)
        }
    }

    /// A record that a lost replica had confirmed counted as a copy for ever: it went into the outbox, was called
    /// delivered, and went into it again, and nobody else was given it.
    @Test func `records of a lost replica are made elsewhere, too`() async throws {
        try await Self.run(replicas: 4, away: []) { depot, _ in
            let holder = try #require(depot.replicas.firstIndex { $0.recordCount == 1 })
            depot.replicas[holder].mood = .unreachable
            try await depot.awaitState(.down, of: holder)
            depot.clock.advance(by: Self.grace)
            try await depot.awaitState(.lost, of: holder)
            _ = try await depot.verify()
            try await depot.eventually("the three others have it") {
                depot.replicas.indices.filter { $0 != holder }
                    .allSatisfy { depot.replicas[$0].recordCount == 1 }
            }
            try await depot.eventually("nothing is left to be done") {
                try await depot.catalog.outbox(limit: 1).isEmpty
            }
        }
    }

    @Test func `one that returns is checked, and what is surplus then goes, whole chunks only`()
        async throws
    {
        try await Self.run(replicas: 5, away: []) { depot, data in
            let copies = try await depot.goodCopies("file")
            let index = try #require(
                depot.replicas.indices.max {
                    depot.replicas[$0].chunkCount < depot.replicas[$1].chunkCount
                })
            let replica = depot.replicas[index]
            let held = copies.keys.filter(replica.holds).sorted()
            replica.mood = .unreachable
            try await depot.awaitState(.down, of: index)
            depot.clock.advance(by: Self.grace)
            try await depot.awaitState(.lost, of: index)
            #expect(try await depot.verify().exitCode == 0)
            // One of its copies went meanwhile, and one rotted.
            try #require(held.count >= 3)
            replica.lose(held[0])
            replica.corrupt(held[1])
            replica.mood = .well
            try await depot.awaitState(.up, of: index)
            let verified = try await depot.verify()
            #expect(verified.exitCode <= 1)
            #expect(try await depot.verify().exitCode == 0)
            for chunk in copies.keys {
                #expect(depot.soundCopies(of: chunk) == 3)
                #expect(try await depot.goodCopies("file")[chunk]?.count == 3)
            }
            #expect(try await depot.content("file").body == data)
        }
    }

    @Test func `where more than a third is away nobody is lost`() async throws {
        try await Self.run(replicas: 5, away: [3, 4]) { depot, _ in
            depot.clock.advance(by: Self.grace * 100)
            let body = try await depot.verify()
            #expect(body.copiesMade == 0)
            #expect(body.lost.isEmpty)
            #expect(body.exitCode == 2)
            #expect(try await depot.state(of: 3) == .down)
            // One comes back: then it is a disk that failed, and not the network.
            depot.replicas[4].mood = .well
            try await depot.awaitState(.up, of: 4)
            try await depot.awaitState(.lost, of: 3)
            #expect(try await depot.verify().exitCode <= 1)
            #expect(try await depot.verify().exitCode == 0)
        }
    }

    @Test func `one that was stopped cleanly is waited for longer`() async throws {
        try await Self.run(replicas: 4, away: []) { depot, _ in
            depot.replicas[3].state.withLock { $0.isLeaving = true }
            try await depot.awaitState(.readOnly, of: 3)
            depot.replicas[3].mood = .unreachable
            try await depot.awaitState(.maintenance, of: 3)
            depot.clock.advance(by: Self.grace)
            #expect(try await depot.verify().copiesMade == 0)
            #expect(try await depot.state(of: 3) == .maintenance)
            depot.clock.advance(by: .seconds(3_600))
            try await depot.awaitState(.lost, of: 3)
            #expect(try await depot.verify().exitCode == 0)
        }
    }

    /// A deposit at level 3 was taken as degraded while one of three members was away, and refused as soon as it counted
    /// as lost, with as many up as before: the level is bounded by the members, lost ones included.
    @Test func `a level above what is not lost is degraded, within the grace time and after it`()
        async throws
    {
        try await Self.run(replicas: 3, away: [2]) { depot, _ in
            for (state, name) in [(StatusBody.Replica.State.down, "within"), (.lost, "after")] {
                try await depot.awaitState(state, of: 2)
                let data = TestDepositor.data(9_000, seed: 71)
                let receipt = try await depot.deposit(name, data, level: 3)
                #expect(receipt.copies == 2 && receipt.degraded)
                let all = try await TestDepositor(depot).open(level: 3, requireAll: true)
                #expect(all.error?.code == .notEnoughReplicas)
                let above = try await TestDepositor(depot).open(level: 4)
                #expect(above.error?.code == .notEnoughReplicas)
                depot.clock.advance(by: Self.grace)
            }
            #expect(try await depot.changeLevel("within", 2).status == 200)
            #expect(try await depot.changeLevel("within", 3).status == 200)
        }
    }

    /// `status` said "underReplicated 0" for ever where a replica was destroyed and there was no other to repair to, and
    /// `info` told of good copies on it.
    @Test(arguments: [3, 2])
    func `copies on one that is away for too long are not counted, though nobody can make others`(
        replicas: Int
    ) async throws {
        try await TestDepot.run(replicas: replicas) { depot in
            try await depot.ready()
            let level = replicas
            try await depot.deposit("file", TestDepositor.data(64_000, seed: 72), level: level)
            let chunks = try await depot.info("file").chunks
            #expect(chunks.allSatisfy { $0.counted?.wrappedValue == level })
            #expect(try await depot.status().underReplicated == 0)
            depot.replicas[0].mood = .unreachable
            try await depot.awaitState(.down, of: 0)
            #expect(try await depot.status().underReplicated == 0, "it may come back")
            depot.clock.advance(by: Self.grace)
            try await depot.eventually("it is told") {
                try await depot.status().underReplicated == chunks.count
            }
            #expect(
                try await depot.info("file").chunks.allSatisfy {
                    $0.counted?.wrappedValue == level - 1
                })
            let verified = try await depot.verify()
            #expect(verified.exitCode == 2)
            #expect(verified.underReplicated == chunks.count)
            depot.replicas[0].mood = .well
            try await depot.eventually("it is back, and told") {
                try await depot.status().underReplicated == 0
            }
        }
    }
}
