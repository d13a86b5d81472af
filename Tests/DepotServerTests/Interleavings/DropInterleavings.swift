import DepotCore
import DepotServer
import DepotTestSupport
import DepotWire
import NIOCore
import Testing

/// What may come between the plan of a deletion and the deletion.
@Suite struct DropInterleavings {
    /// A collection has condemned and released the copies, and its order to delete them is under way. Meanwhile a client
    /// deposits the same content. It is told to send (what is about to go does not count), sends, and commits. Then the
    /// order arrives.
    @Test func `a deletion that arrives after the chunk was sent again is void`() async throws {
        try await TestDepot.run { depot in
            try await depot.ready()
            let data = TestDepositor.data(40_000, seed: 210)
            try await depot.deposit("old", data, level: 3)
            let chunks = try await depot.goodCopies("old").keys
            #expect(try await depot.http.call(.DELETE, "/v1/files/old").status == 204)
            for link in depot.links { link.inject(.hang, into: .delete, calls: .all) }
            async let collection = depot.collect()
            // The replicas are collected one after the other; the first one's order hangs.
            try await eventually("an order is under way") {
                depot.links.contains { $0.hangingCount > 0 }
            }
            let receipt = try await depot.deposit("new", data, level: 3)
            #expect(receipt.copies == 3)
            for link in depot.links { link.heal() }
            let collected = try await collection
            #expect(collected.status == 200, "\(String(buffer: collected.body))")
            for chunk in chunks { #expect(depot.soundCopies(of: chunk) == 3) }
            for (_, copies) in try await depot.goodCopies("new") { #expect(copies.count == 3) }
            #expect(try await depot.content("new").body == data)
            #expect(try await depot.verify().exitCode == 0)
        }
    }

    /// A deposit begins between the two steps of a collection: its chunks are used again and stay.
    @Test func `a deposit between the steps of a collection keeps its chunks`() async throws {
        try await TestDepot.run { depot in
            let data = TestDepositor.data(40_000, seed: 211)
            let file = try TestDepositor.file(data)
            let all = file.chunks + file.manifest.objects
            try await depot.deposit("old", data, level: 2)
            #expect(try await depot.http.call(.DELETE, "/v1/files/old").status == 204)
            #expect(try await depot.collect(grace: 1_000).status == 200)
            depot.clock.advance(by: .seconds(999))
            let client = TestDepositor(depot)
            _ = try await client.open(level: 2)
            #expect(try await client.negotiate(all).isEmpty)
            depot.clock.advance(by: .seconds(999))
            let body = try await depot.collect(grace: 1_000).json(CollectionBody.self)
            #expect(body.deletedCopies == 0)
            #expect(try TestDepositor.lacking(try await client.barrier(all)).isEmpty)
            let answer = try await client.commit("new", file.manifest)
            #expect(try answer.json(CommitAnswerBody.self).results[0].receipt?.copies == 2)
        }
    }

    /// A deletion ends in an error: no replica has room for its record. A collection comes before the record finds room,
    /// and then the catalog is lost. A majority knows the file, so it is there; it was not when the collection took its
    /// chunks, and the version before it came back.
    @Test func `what a deletion let go is there until a majority knows of the deletion`()
        async throws
    {
        let replicas = (0..<3).map { _ in FakeReplica() }
        let data = (215..<217).map { TestDepositor.data(40_000, seed: $0) }
        let chunks = try data.map { try TestDepositor.file($0).chunks[0].id.hash }
        try await TestDepot.inFolder { folder in
            try await TestDepot.start(on: replicas, in: folder) { depot in
                try await depot.ready()
                // Another name keeps the older content.
                for name in ["file", "other"] { try await depot.deposit(name, data[0], level: 2) }
                try await depot.deposit("file", data[1], level: 2)
                let full = DepotError(.storageFull, "no room for a record, says the test")
                for link in depot.links { link.inject(.refuse(full), into: .put, calls: .all) }
                #expect(try await depot.http.call(.DELETE, "/v1/files/file").status == 503)
                for _ in 0..<2 { #expect(try await depot.collect().status == 200) }
                #expect(depot.soundCopies(of: chunks[1]) == 2)
            }
        }
        try await TestDepot.inFolder { folder in
            let report = try await TestDepot.rebuild(replicas, in: folder, acceptMissing: false)
            #expect(report.isComplete && report.files == 2)
            try await TestDepot.start(on: replicas, in: folder) { depot in
                try await depot.ready()
                #expect(try await depot.content("file").body == data[1])
                #expect(try await depot.http.call(.DELETE, "/v1/files/file").status == 204)
                for _ in 0..<2 { #expect(try await depot.collect().status == 200) }
                #expect(depot.soundCopies(of: chunks[1]) == 0)
            }
        }
    }

    enum Droppers: CaseIterable, Sendable { case loweringAndDrain, twoFiles, repairAndLowering }

    /// Two droppers have planned by the same copies, and condemned one each; both have the others hashed before either
    /// comes to the gate. Each one's plan alone is right, and both together would leave too few.
    @Test(arguments: Droppers.allCases)
    func `two droppers of one chunk never leave fewer copies than it needs`(
        droppers: Droppers
    ) async throws {
        try await TestDepot.run(replicas: 5) { depot in
            try await depot.ready()
            let data = TestDepositor.data(100_000, seed: 212)
            try await depot.deposit("one", data, level: 4)
            if droppers == .twoFiles { try await depot.deposit("two", data, level: 4) }
            let chunks = try await depot.goodCopies("one").keys.sorted()
            let watch = Task {
                var least = Int.max
                while !Task.isCancelled {
                    for chunk in chunks { least = min(least, depot.soundCopies(of: chunk)) }
                    try? await Task.sleep(for: .milliseconds(1))
                }
                return least
            }
            for link in depot.links { link.inject(.hang, into: .check, calls: .nth(1)) }
            let second: @Sendable () async throws -> Int = {
                switch droppers {
                case .loweringAndDrain: try await depot.drain(0).status
                case .twoFiles: try await depot.changeLevel("two", 2).status
                case .repairAndLowering: try await depot.startVerification().status
                }
            }
            async let lowering = depot.changeLevel("one", 2)
            async let other = second()
            try await eventually("copies are being hashed") {
                depot.links.contains { $0.hangingCount > 0 }
            }
            for link in depot.links { link.heal() }
            #expect(try await lowering.status == 200)
            #expect(try await [200, 202].contains(other))
            if droppers == .loweringAndDrain {
                try await depot.eventually("it is drained") {
                    try await depot.drainStatus(0).state == .drained
                }
                #expect(depot.replicas[0].chunkCount == 0)
            }
            try await depot.eventually("two copies are left of each") {
                try await depot.goodCopies("one").values.allSatisfy { $0.count == 2 }
                    && chunks.allSatisfy { depot.soundCopies(of: $0) == 2 }
            }
            watch.cancel()
            #expect(await watch.value >= 2)
            #expect(try await depot.content("one").body == data)
        }
    }

    /// A level is raised; while the copies are being made, something else is committed to the name.
    @Test func `a change of level that was planned before another commit is a conflict`()
        async throws
    {
        try await TestDepot.run { depot in
            try await depot.ready()
            try await depot.deposit("file", TestDepositor.data(40_000, seed: 213), level: 1)
            for link in depot.links { link.inject(.hang, into: .put, calls: .nth(1)) }
            async let change = depot.changeLevel("file", 3)
            try await eventually("copies are being made") {
                depot.links.contains { $0.hangingCount > 0 }
            }
            let newer = TestDepositor.data(40_000, seed: 214)
            // Its record is put, too, wherever nothing hangs any more.
            for link in depot.links where link.hangingCount == 0 { link.heal() }
            let receipt = try await depot.deposit("file", newer, level: 1)
            for link in depot.links { link.heal() }
            #expect(try await change.error?.code == .conflict)
            let info = try await depot.info("file")
            #expect(info.file.level.copies == 1 && info.file.sequence == receipt.sequence)
            #expect(try await depot.content("file").body == newer)
            #expect(try await depot.verify().exitCode == 0)
        }
    }
}
