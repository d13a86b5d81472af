import DepotCore
import DepotServer
import DepotWire
import NIOCore
import Testing

@Suite struct VerifyTests {
    @Test func `a clean depot is clean, and everything was read`() async throws {
        try await TestDepot.run { depot in
            try await depot.deposit("file", TestDepositor.data(64_000, seed: 80), level: 3)
            let body = try await depot.verify()
            #expect(body.phase == .done && body.exitCode == 0 && body.problemCount == 0)
            #expect(body.replicas.count == 3)
            for (progress, replica) in zip(
                body.replicas.sorted { $0.name < $1.name }, depot.replicas)
            {
                #expect(progress.copies == replica.chunkCount + replica.recordCount)
                #expect(progress.bytesRead == progress.bytes)
                #expect(progress.skipped == nil)
            }
        }
    }

    @Test func `without repair damage is listed, nothing is changed, and the answer is 2`()
        async throws
    {
        try await TestDepot.run { depot in
            try await depot.deposit("file", TestDepositor.data(64_000, seed: 81), level: 3)
            let chunks = try await depot.goodCopies("file").keys.sorted()
            depot.replicas[0].corrupt(chunks[0])
            depot.replicas[1].lose(chunks[1])
            for _ in 0..<2 {
                let body = try await depot.verify(repairs: false)
                #expect(body.exitCode == 2)
                #expect(body.copiesMade == 0 && body.repairedCount == 0)
                #expect(body.underReplicated == 2)
                let corrupt = try #require(body.problems.first { $0.kind == .corrupt })
                #expect(corrupt.object == .chunk(chunks[0]))
                #expect(corrupt.replica == "r1:7401" && corrupt.segment == 1)
                #expect(corrupt.files == [try FileName("file")])
                #expect(depot.soundCopies(of: chunks[0]) == 2)
                #expect(depot.soundCopies(of: chunks[1]) == 2)
            }
            let repaired = try await depot.verify()
            #expect(repaired.exitCode == 1)
            #expect(try await depot.verify().exitCode == 0)
        }
    }

    @Test func `a missing copy is listed with the files that it belongs to`() async throws {
        try await TestDepot.run { depot in
            let data = TestDepositor.data(9_000, seed: 82)
            for name in ["a", "b"] { try await depot.deposit(name, data, level: 3) }
            let chunk = try #require(try await depot.goodCopies("a").keys.min())
            depot.replicas[2].lose(chunk)
            let body = try await depot.verify()
            #expect(body.exitCode == 1)
            let problem = try #require(body.problems.first)
            #expect(problem.kind == .missing && problem.object == .chunk(chunk))
            #expect(problem.files.map(\.text) == ["a", "b"])
            #expect(problem.isRepaired)
        }
    }

    @Test func `copies that nobody knew of are told, and are no damage`() async throws {
        try await TestDepot.run { depot in
            try await depot.deposit("file", TestDepositor.data(9_000, seed: 83), level: 3)
            let stray = VerifiedObject(hashing: TestDepositor.data(5_000, seed: 84))
            try await depot.replicas[1].put([stray])
            let body = try await depot.verify()
            #expect(body.exitCode == 0)
            #expect(body.replicas.first { $0.name == "r2:7401" }?.unknownCopies == 1)
            #expect(depot.replicas[1].holds(stray.id.hash))
        }
    }

    @Test func `a replica that does not answer makes it 8, and the others are read`()
        async throws
    {
        try await TestDepot.run { depot in
            try await depot.deposit("file", TestDepositor.data(9_000, seed: 85), level: 2)
            depot.replicas[2].mood = .unreachable
            try await depot.awaitState(.down, of: 2)
            let body = try await depot.verify()
            #expect(body.exitCode == 8)
            #expect(body.replicas.first { $0.name == "r3:7401" }?.skipped != nil)
            #expect(body.replicas.count { $0.skipped == nil } == 2)
            let named = try await depot.verify(replicas: ["r1:7401", "r2:7401"])
            #expect(named.exitCode == 0)
            #expect(named.replicas.map(\.name).sorted() == ["r1:7401", "r2:7401"])
            let unknown = try await depot.startVerification(replicas: ["r9"])
            #expect(unknown.error?.code == .notFound)
            #expect(unknown.error?.message.contains("r1:7401") == true)
        }
    }

    @Test
    func `what was unchecked for longest is read first, and what was read lately is left out`()
        async throws
    {
        let replica = FakeReplica()
        try await TestDepot.run(on: [replica]) { depot in
            for number in 1...3 {
                try await depot.deposit(
                    "file\(number)", TestDepositor.data(9_000, seed: 85 + UInt64(number)), level: 1)
                replica.seal()
            }
            func scrubbed(ageMax: Int? = nil, budget: Int? = nil) async throws -> [UInt32] {
                replica.state.withLock { $0.scrubbed = [] }
                let body = try await depot.verify(budget: budget, ageMax: ageMax)
                #expect(body.exitCode == 0)
                return replica.state.withLock { $0.scrubbed }
            }
            #expect(try await scrubbed(budget: 0).isEmpty)
            #expect(try await scrubbed() == [1, 2, 3])
            depot.clock.advance(by: .seconds(1_000))
            try await depot.deposit("file4", TestDepositor.data(9_000, seed: 89), level: 1)
            replica.seal()
            #expect(try await scrubbed(ageMax: 500) == [4, 1, 2, 3])
            #expect(try await scrubbed(ageMax: 500).isEmpty)
            depot.clock.setWall(ahead: 3_650)
            #expect(try await scrubbed(ageMax: 500).isEmpty)
            depot.clock.setWall(ahead: -400)
            #expect(try await scrubbed(ageMax: 500).isEmpty)
            let coverage = try await depot.http.call(.GET, "\(FileServerRoute.coverage)?days=1")
                .json(CoverageBody.self)
            #expect(coverage.replicas.first?.checkedBytes == coverage.replicas.first?.bytes)
        }
    }

    @Test func `a verification that is stopped fails, and nothing is half-done`() async throws {
        try await TestDepot.run { depot in
            try await depot.deposit("file", TestDepositor.data(9_000, seed: 90), level: 3)
            depot.links[0].inject(.hang, into: .scrub, calls: .all)
            let id = VerificationID.random()
            _ = try await depot.startVerification(id)
            try await depot.eventually("it reads") { depot.links[0].hangingCount == 1 }
            // Asked again it is the same one; another one has to wait.
            #expect(try await depot.startVerification(id).status == 202)
            #expect(try await depot.startVerification().error?.code == .conflict)
            let path = "\(FileServerRoute.verifications)/\(id)"
            #expect(try await depot.http.call(.DELETE, path).status == 204)
            let body = try await depot.end(of: id)
            #expect(body.phase == .failed && body.exitCode == 2)
            depot.links[0].heal()
            #expect(try await depot.verify().exitCode == 0)
        }
    }

    @Test func `one that somebody asks for ends one that nobody did`() async throws {
        let often = { (configuration: inout FileServerConfiguration) in
            configuration.timing.verificationPeriod = .milliseconds(50)
        }
        try await TestDepot.run(configure: often) { depot in
            depot.links[0].inject(.hang, into: .scrub, calls: .nth(1))
            try await depot.deposit("file", TestDepositor.data(9_000, seed: 91), level: 3)
            try await depot.eventually("the scheduled one reads") {
                depot.links[0].hangingCount == 1
            }
            let chunk = try #require(try await depot.goodCopies("file").keys.min())
            depot.replicas[0].corrupt(chunk)
            let body = try await depot.verify()
            #expect(body.phase == .done && body.exitCode == 1)
            #expect(depot.soundCopies(of: chunk) == 3)
        }
    }

    @Test func `nobody asked, and damage is found and repaired`() async throws {
        let often = { (configuration: inout FileServerConfiguration) in
            configuration.timing.verificationPeriod = .milliseconds(50)
            configuration.timing.verificationAge = .zero
        }
        try await TestDepot.run(configure: often) { depot in
            try await depot.deposit("file", TestDepositor.data(9_000, seed: 92), level: 3)
            let chunk = try #require(try await depot.goodCopies("file").keys.min())
            depot.replicas[1].corrupt(chunk)
            try await depot.eventually("it is whole again") {
                depot.soundCopies(of: chunk) == 3
            }
        }
    }

    @Test func `a tombstone is proved like any record`() async throws {
        try await TestDepot.run { depot in
            try await depot.deposit("file", TestDepositor.data(9_000, seed: 93), level: 3)
            #expect(try await depot.http.call(.DELETE, "/v1/files/file").status == 204)
            try await depot.eventually("it is where it belongs") {
                try await depot.catalog.outbox(limit: 1).isEmpty
            }
            let tombstone = try #require(
                depot.replicas[0].state.withLock { state in
                    state.objects.filter { $0.key.kind == .record }.max {
                        (try? RecordBatch.records(in: $0.value.bytes).last?.sequence.counter) ?? 0
                            < (try? RecordBatch.records(in: $1.value.bytes).last?.sequence.counter)
                            ?? 0
                    }?.key
                })
            depot.replicas[0].corrupt(tombstone)
            let body = try await depot.verify()
            #expect(body.exitCode == 1)
            #expect(body.problems.first?.object == tombstone)
            #expect(body.problems.first?.files.map(\.text) == ["file"])
            #expect(depot.replicas.allSatisfy { $0.holdsSoundly(tombstone) })
            #expect(try await depot.content("file").status == 404)
        }
    }
}
