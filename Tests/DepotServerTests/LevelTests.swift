import DepotCore
import DepotWire
import NIOCore
import Testing

@Suite struct LevelTests {
    @Test func `a level goes up and down, and what it says is what was done`() async throws {
        try await TestDepot.run(replicas: 5) { depot in
            let data = TestDepositor.data(64_000, seed: 40)
            try await depot.deposit("file", data, level: 3)
            let chunks = try await depot.info("file").chunks.count
            var level = 3
            for (next, copied, dropped) in [(4, chunks, 0), (1, 0, 3 * chunks), (3, 2 * chunks, 0)]
            {
                let change = try await depot.changeLevel("file", next).json(LevelChangeBody.self)
                #expect(change.from.copies == level)
                #expect(change.to.copies == next)
                #expect(change.copied == copied)
                #expect(change.dropped == dropped)
                #expect(change.pinned == 0)
                for (_, copies) in try await depot.goodCopies("file") {
                    #expect(copies.count == next)
                }
                level = next
            }
            let info = try await depot.info("file")
            #expect(info.file.level.copies == 3)
            for chunk in info.chunks {
                #expect(chunk.holdings.allSatisfy { $0.state == .good })
                let holders = Set(chunk.holdings.map(\.replica))
                for replica in depot.replicas {
                    #expect(replica.holds(chunk.id) == holders.contains(replica.id))
                }
            }
            #expect(try await depot.content("file").body == data)
        }
    }

    /// With one replica cut off from the network, a level that had been lowered, durably, was answered with "no
    /// connection", and no copy was dropped anywhere.
    @Test func `a level falls though a replica does not let go of its copies`() async throws {
        try await TestDepot.run(replicas: 3) { depot in
            try await depot.deposit("file", TestDepositor.data(64_000, seed: 43), level: 3)
            depot.replicas[0].state.withLock { $0.refusesCondemning = true }
            let answer = try await depot.changeLevel("file", 1)
            let change = try answer.json(LevelChangeBody.self)
            #expect(change.to.copies == 1)
            #expect(change.dropped > 0)
            #expect(try await depot.info("file").file.level.copies == 1)
            #expect(
                depot.replicas[1].chunkCount + depot.replicas[2].chunkCount < 2
                    * depot.replicas[0].chunkCount)
        }
    }

    /// Over a link of 1 Mbit/s each batch took its whole limit to fail: a level change of 40 MiB held on for an hour.
    @Test func `a replica that took some copies in vain is sent no more of them`() async throws {
        try await TestDepot.run(replicas: 2) { depot in
            try await depot.ready()
            // Ten batches of copies or more, of which three are under way at once; sent in parts, as they must be.
            var data = ByteBuffer()
            for part in 0..<6 {
                let bytes = TestDepositor.data(7_000_000, seed: UInt64(4_400 + part))
                try await depot.deposit("part\(part)", bytes, level: 1)
                data.writeImmutableBuffer(bytes)
            }
            try await depot.deposit("file", data, level: 1)
            for link in depot.links {
                link.inject(
                    .refuse(DepotError(.busy, "too slow")), into: .put, calls: .all)
            }
            let puts = depot.links.reduce(0) { $0 + $1.count(of: .put) }
            #expect(try await depot.changeLevel("file", 2).status != 200)
            let more = depot.links.reduce(0) { $0 + $1.count(of: .put) } - puts
            #expect((1...6).contains(more), "three to each of two replicas, \(more)")
        }
    }

    @Test func `a plan changes nothing, and says what will be done`() async throws {
        try await TestDepot.run(replicas: 5) { depot in
            try await depot.deposit("file", TestDepositor.data(64_000, seed: 41), level: 2)
            let before = try await depot.goodCopies("file")
            let plan = try await depot.changeLevel("file", 4, planOnly: true)
                .json(LevelChangeBody.self)
            #expect(plan.planOnly)
            #expect(try await depot.goodCopies("file") == before)
            let change = try await depot.changeLevel("file", 4).json(LevelChangeBody.self)
            #expect(change.copied == plan.copied)
            #expect(change.bytesCopied == plan.bytesCopied)
            #expect(change.copied > 0)
        }
    }

    @Test func `chunks that files at 2 and 4 share stay at 4 until the second is deleted`()
        async throws
    {
        try await TestDepot.run(replicas: 5) { depot in
            let data = TestDepositor.data(40_000, seed: 42)
            try await depot.deposit("two", data, level: 2)
            try await depot.deposit("four", data, level: 4)
            for (_, copies) in try await depot.goodCopies("two") { #expect(copies.count == 4) }
            let lowered = try await depot.changeLevel("two", 1).json(LevelChangeBody.self)
            #expect(lowered.dropped == 0)
            #expect(lowered.pinned == 5)
            for (_, copies) in try await depot.goodCopies("two") { #expect(copies.count == 4) }
            _ = try await depot.changeLevel("two", 2)
            #expect(try await depot.http.call(.DELETE, "/v1/files/four").status == 204)
            for (_, copies) in try await depot.goodCopies("two") { #expect(copies.count == 2) }
            #expect(try await depot.content("four").status == 404)
            #expect(try await depot.content("two").body == data)
        }
    }

    @Test func `a plan for less knows what other files keep`() async throws {
        try await TestDepot.run(replicas: 5) { depot in
            let data = TestDepositor.data(40_000, seed: 43)
            try await depot.deposit("one", data, level: 4)
            try await depot.deposit("other", data, level: 4)
            let plan = try await depot.changeLevel("one", 2, planOnly: true)
                .json(LevelChangeBody.self)
            #expect(plan.pinned == 5)
            #expect(plan.dropped == 0)
            let change = try await depot.changeLevel("one", 2).json(LevelChangeBody.self)
            #expect(change.pinned == 5)
            #expect(change.dropped == 0)
        }
    }

    @Test func `a level above the replicas, of no file, or after another commit is refused`()
        async throws
    {
        try await TestDepot.run { depot in
            try await depot.deposit("file", TestDepositor.data(9_000, seed: 44), level: 2)
            #expect(try await depot.changeLevel("file", 4).error?.code == .notEnoughReplicas)
            #expect(try await depot.changeLevel("none", 2).error?.code == .notFound)
            #expect(try await depot.info("file").file.level.copies == 2)
        }
    }

    @Test func `a file that is committed again while its level changes keeps its new level`()
        async throws
    {
        try await TestDepot.run { depot in
            try await depot.deposit("file", TestDepositor.data(300_000, seed: 45), level: 1)
            // Copies to the two others take until the second commit is through.
            let old = try await depot.catalog.file(FileName("file"))
            let newer = TestDepositor.data(300_000, seed: 46)
            async let change = depot.changeLevel("file", 3)
            try await depot.deposit("file", newer, level: 2)
            let answer = try await change
            let entry = try await depot.catalog.file(FileName("file"))
            if answer.status == 200 {
                // The change came first or last: then it is one of the two, whole.
                #expect([2, 3].contains(entry.level.copies))
            } else {
                #expect(answer.error?.code == .conflict)
                #expect(entry.level.copies == 2)
            }
            #expect(entry.manifest != old.manifest)
            #expect(try await depot.content("file").body == newer)
            let members = try await depot.catalog.members()
            await #expect(throws: DepotError.self) {
                try await depot.catalog.changeLevel(
                    of: FileName("file"), expected: old.sequence, to: .three, copiesRequired: 2,
                    counting: Set(members.map(\.replica)), time: 0)
            }
        }
    }

    @Test func `no copy is dropped while one that is to stay is damaged`() async throws {
        try await TestDepot.run { depot in
            let data = TestDepositor.data(9_000, seed: 47)
            try await depot.deposit("file", data, level: 3)
            let members = try await depot.catalog.members()
            let placement = Placement(
                members.map {
                    PlacementCandidate(
                        replica: $0.replica, zone: $0.zone, weight: Double($0.capacity.bytes))
                })
            // The copy that is planned to stay is the damaged one.
            for chunk in try await depot.info("file").chunks {
                let staying = placement.order(for: chunk.id)[0]
                depot.replicas.first { $0.id == staying }?.corrupt(chunk.id)
            }
            let change = try await depot.changeLevel("file", 1).json(LevelChangeBody.self)
            #expect(change.dropped == 0)
            #expect(try await depot.content("file").body == data)
            // Now that the damage is known, the good ones are told from the bad ones.
            _ = try await depot.changeLevel("file", 1)
            for (_, copies) in try await depot.goodCopies("file") { #expect(copies.count == 1) }
            #expect(try await depot.content("file").body == data)
        }
    }

    @Test func `copies that could not be deleted are, when their replica is back`() async throws {
        try await TestDepot.run(replicas: 2) { depot in
            let data = TestDepositor.data(9_000, seed: 48)
            try await depot.deposit("file", data, level: 2)
            depot.replicas[0].state.withLock { $0.refusesDeletes = true }
            depot.replicas[1].state.withLock { $0.refusesDeletes = true }
            let change = try await depot.changeLevel("file", 1).json(LevelChangeBody.self)
            #expect(change.dropped == 1)
            let released = try await depot.info("file").chunks.flatMap(\.holdings)
            #expect(released.count { $0.state == .released } == 1)
            for replica in depot.replicas { replica.state.withLock { $0.refusesDeletes = false } }
            try await depot.eventually("they are gone") {
                try await depot.info("file").chunks.allSatisfy { $0.holdings.count == 1 }
            }
            #expect(depot.replicas.reduce(0) { $0 + $1.chunkCount } == 1)
            #expect(try await depot.content("file").body == data)
        }
    }

    @Test func `a level that rises where too few take copies says what is lacking`() async throws {
        try await TestDepot.run { depot in
            try await depot.deposit("file", TestDepositor.data(30_000, seed: 48), level: 2)
            let chunks = try await depot.goodCopies("file")
            let away = try #require(
                depot.replicas.firstIndex { replica in chunks.keys.contains { !replica.holds($0) } }
            )
            let lacking = chunks.keys.count { !depot.replicas[away].holds($0) }
            depot.replicas[away].mood = .full
            let answer = try await depot.changeLevel("file", 3)
            #expect(try answer.json(LevelChangeBody.self).lacking == lacking)
        }
    }

    @Test func `the same level again repairs a degraded file`() async throws {
        try await TestDepot.run { depot in
            depot.replicas[2].mood = .unreachable
            try await depot.eventually("one is down") { try await depot.state(of: 2) == .down }
            try await depot.deposit("file", TestDepositor.data(40_000, seed: 49), level: 3)
            depot.replicas[2].mood = .well
            try await depot.eventually("it is back") { try await depot.state(of: 2) == .up }
            let change = try await depot.changeLevel("file", 3).json(LevelChangeBody.self)
            #expect(change.copied == 5)
            for (_, copies) in try await depot.goodCopies("file") { #expect(copies.count == 3) }
        }
    }
}
