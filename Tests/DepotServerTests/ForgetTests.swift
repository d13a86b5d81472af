import DepotCore
import DepotServer
import DepotTestSupport
import DepotWire
import NIOCore
import Testing

@Suite struct ForgetTests {
    @Test func `one that is up and not drained, or has the only copy, is not forgotten lightly`()
        async throws
    {
        try await TestDepot.run { depot in
            try await depot.ready()
            try await depot.deposit("file", TestDepositor.data(9_000, seed: 260), level: 1)
            let holders = try await depot.goodCopies("file").values.reduce(into: Set()) {
                $0.formUnion($1)
            }
            let holder = try #require(
                depot.replicas.firstIndex { holders.contains($0.id) })
            let other = try #require(
                depot.replicas.firstIndex { !holders.contains($0.id) })
            let isUp = try await depot.forget(other)
            #expect(isUp.error?.code == .conflict)
            #expect(isUp.error?.message.contains("'depot drain") == true)
            for mood in [FakeReplica.Mood.well, .unreachable] {
                depot.replicas[holder].mood = mood
                try await depot.awaitState(mood == .well ? .up : .down, of: holder)
                let only = try await depot.forget(holder)
                #expect(only.error?.code == .conflict)
                #expect(only.error?.message.contains("'file' among them") == true)
            }
            let unknown = try await depot.http.call(
                .POST, "\(FileServerRoute.replicas)/forget",
                body: [try WireJSON.encode(ForgetRequestBody(replica: "r9", acceptLoss: true))])
            #expect(unknown.error?.code == .notFound)
            #expect(try await depot.catalog.members().count == 3)
            let forgotten = try await depot.forget(holder, acceptLoss: true)
                .json(ForgottenBody.self)
            #expect(forgotten.lostFiles == 1 && forgotten.members == 2)
        }
    }

    /// The catalog still names good copies on a replica that was destroyed: they are no reason to let the last ones go.
    @Test func `copies on one that is away for too long do not make others dispensable`()
        async throws
    {
        try await TestDepot.run(replicas: 2) { depot in
            try await depot.ready()
            try await depot.deposit("file", TestDepositor.data(9_000, seed: 264), level: 2)
            for index in 0...1 {
                depot.replicas[index].mood = .unreachable
                try await depot.awaitState(.down, of: index)
            }
            depot.clock.advance(by: .seconds(600))
            for index in 0...1 {
                let refused = try await depot.forget(index)
                #expect(refused.error?.code == .conflict)
                #expect(refused.error?.message.contains("'file' among them") == true)
            }
        }
    }

    /// Its log went back and then it died: nobody knows whether what it has is sound, but it is all that there is.
    @Test func `copies that are not proved are the only ones, too`() async throws {
        try await TestDepot.run { depot in
            try await depot.ready()
            let image = depot.replicas.map { replica in replica.state.withLock { $0 } }
            try await depot.deposit("file", TestDepositor.data(1_000, seed: 261), level: 1)
            let index = try #require(
                depot.replicas.firstIndex { $0.chunkCount > 0 })
            try await depot.eventually("how far its log goes is known") {
                let synced = depot.replicas[index].state.withLock { $0.synced }
                return try await depot.catalog.members().contains {
                    $0.position.offset == synced && $0.replica == depot.replicas[index].id
                }
            }
            depot.links[index].inject(.hang, into: .vouch, calls: .all)
            depot.replicas[index].goBack(to: image[index])
            try await depot.eventually("nothing there is proved") {
                try await depot.goodCopies("file").values.contains { $0.isEmpty }
            }
            depot.replicas[index].mood = .unreachable
            depot.links[index].heal()
            try await depot.awaitState(.down, of: index)
            #expect(try await depot.forget(index).error?.code == .conflict)
        }
    }

    @Test func `a forgotten disk is never let in again, and a new one in its place is welcome`()
        async throws
    {
        try await TestDepot.run(replicas: 4) { depot in
            try await depot.ready()
            let data = TestDepositor.data(40_000, seed: 262)
            try await depot.deposit("file", data, level: 3)
            let old = depot.replicas[1].state.withLock { $0 }
            depot.replicas[1].mood = .unreachable
            try await depot.awaitState(.down, of: 1)
            #expect(try await depot.forget(1).status == 200)
            depot.replicas[1].mood = .well
            try await depot.awaitState(.refused, of: 1)
            let problem = try await depot.status().replicas.first { $0.state == .refused }?.problem
            #expect(problem?.contains("never let in again") == true)
            #expect(try await depot.verify().exitCode <= 1)
            #expect(try await depot.verify().exitCode == 0)
            #expect(depot.replicas[1].chunkCount == old.objects.keys.count { $0.kind == .chunk })
            // An empty folder, at the same address.
            depot.replicas[1].wipe()
            depot.replicas[1].state.withLock { state in
                state.id = .random()
                state.membership = nil
            }
            try await depot.awaitState(.up, of: 1)
            #expect(try await depot.catalog.members().count == 4)
            #expect(try await depot.changeLevel("file", 4).status == 200)
            for chunk in try await depot.goodCopies("file").keys {
                #expect(depot.soundCopies(of: chunk) == 4)
            }
        }
    }

    /// The barrier of a deposit had asked the replica; it was forgotten before the answer was noted.
    @Test func `a deposit goes on when a replica is forgotten at its barrier`() async throws {
        try await TestDepot.run(replicas: 4) { depot in
            try await depot.ready()
            let data = TestDepositor.data(40_000, seed: 263)
            for link in depot.links { link.inject(.hang, into: .vouch, calls: .nth(1)) }
            async let deposit = depot.deposit("file", data, level: 3)
            try await eventually("everybody is asked") {
                depot.links.count { $0.hangingCount > 0 } >= 3
            }
            let index = try #require(depot.links.firstIndex { $0.hangingCount > 0 })
            #expect(try await depot.forget(index, acceptLoss: true).status == 200)
            for link in depot.links { link.heal() }
            #expect(try await deposit.copies >= 2)
            #expect(try await depot.content("file").body == data)
        }
    }
}
