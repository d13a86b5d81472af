import DepotCore
import DepotWire
import NIOCore
import Testing

@Suite struct DepositTests {
    @Test func `a deposited file is durable on as many replicas as it asks for, and comes back`()
        async throws
    {
        try await TestDepot.run(replicas: 5) { depot in
            let data = TestDepositor.data(123_456, seed: 1)
            let receipt = try await depot.deposit("a/file", data, level: 3)
            #expect(receipt.copies == 3)
            #expect(!receipt.degraded)
            #expect(receipt.chunks == 13)
            #expect(receipt.newChunks == 13)
            #expect(receipt.newBytes == 123_456)
            for (_, copies) in try await depot.goodCopies("a/file") { #expect(copies.count == 3) }
            for replica in depot.replicas { replica.losePower() }
            let answer = try await depot.content("a/file")
            #expect(answer.status == 200)
            #expect(answer.body == data)
            #expect(depot.replicas.reduce(0) { $0 + $1.recordCount } == 3)
        }
    }

    @Test func `the same content again costs no chunk`() async throws {
        try await TestDepot.run { depot in
            let data = TestDepositor.data(55_000, seed: 2)
            try await depot.deposit("one", data, level: 3)
            let before = depot.replicas.map(\.chunkCount)
            let receipt = try await depot.deposit("two", data, level: 3)
            #expect(receipt.newChunks == 0)
            #expect(receipt.newBytes == 0)
            #expect(receipt.sharedBytes == 55_000)
            #expect(depot.replicas.map(\.chunkCount) == before)
        }
    }

    @Test func `the empty file is a file`() async throws {
        try await TestDepot.run { depot in
            let receipt = try await depot.deposit("empty", ByteBuffer(), level: 2)
            #expect(receipt.size == 0)
            #expect(try await depot.content("empty").body.readableBytes == 0)
        }
    }

    @Test func `two of five replicas gone, three copies all the same`() async throws {
        try await TestDepot.run(replicas: 5) { depot in
            depot.replicas[0].mood = .unreachable
            depot.replicas[1].mood = .hanging
            try await depot.eventually("two are down") {
                try await depot.status().replicas.count { $0.state == .down } == 2
            }
            let receipt = try await depot.deposit(
                "file", TestDepositor.data(50_000, seed: 3), level: 3, requireAll: true)
            #expect(receipt.copies == 3)
        }
    }

    @Test func `with a majority only the deposit is degraded, and says so`() async throws {
        try await TestDepot.run { depot in
            depot.replicas[2].mood = .unreachable
            try await depot.eventually("one is down") { try await depot.state(of: 2) == .down }
            let data = TestDepositor.data(50_000, seed: 4)
            let receipt = try await depot.deposit("file", data, level: 3)
            #expect(receipt.copies == 2)
            #expect(receipt.degraded)
            let refused = try await TestDepositor(depot).open(level: 3, requireAll: true)
            #expect(refused.status == 503)
            #expect(refused.error?.code == .notEnoughReplicas)
            #expect(refused.error?.message.contains("r3:7401 (down") == true)
            depot.replicas[1].mood = .unreachable
            try await depot.eventually("two are down") { try await depot.state(of: 1) == .down }
            let hopeless = try await TestDepositor(depot).open(level: 3)
            #expect(hopeless.error?.code == .notEnoughReplicas)
        }
    }

    @Test func `a level above the replicas is refused`() async throws {
        try await TestDepot.run { depot in
            let refused = try await TestDepositor(depot).open(level: 4)
            #expect(refused.error?.code == .notEnoughReplicas)
            #expect(refused.error?.message.contains("the cluster has 3") == true)
        }
    }

    @Test func `a replica that dies in the middle of an upload is replaced by another one`()
        async throws
    {
        try await TestDepot.run(replicas: 4) { depot in
            try await depot.eventually("all are up") {
                try await depot.status().replicas.allSatisfy { $0.state == .up }
            }
            depot.replicas[1].state.withLock { $0.failsNextUpload = true }
            depot.replicas[2].state.withLock { $0.failsNextUpload = true }
            let data = TestDepositor.data(90_000, seed: 5)
            let receipt = try await depot.deposit("file", data, level: 2, requireAll: true)
            #expect(receipt.copies == 2)
            #expect(try await depot.content("file").body == data)
        }
    }

    @Test(arguments: [FakeReplica.Mood.stallingUploads, .full])
    func `a holder that takes nothing is left behind`(mood: FakeReplica.Mood) async throws {
        try await TestDepot.run(replicas: 4) { depot in
            depot.replicas[0].mood = mood
            let data = TestDepositor.data(90_000, seed: 6)
            let receipt = try await depot.deposit("file", data, level: 3, requireAll: true)
            #expect(receipt.copies == 3)
            #expect(depot.replicas[0].chunkCount == 0)
            #expect(try await depot.content("file").body == data)
        }
    }

    @Test func `full disks everywhere are said to be full`() async throws {
        try await TestDepot.run { depot in
            for replica in depot.replicas { replica.mood = .full }
            let depositor = TestDepositor(depot)
            _ = try await depositor.open(level: 2)
            let chunk = VerifiedObject(hashing: TestDepositor.data(5_000, seed: 7))
            _ = try await depositor.negotiate([chunk])
            let refused = try await depositor.upload([chunk])
            #expect(refused.status == 507)
            #expect(refused.error?.code == .storageFull)
        }
    }

    @Test func `a body that does not match its hash is refused, and nothing is kept`() async throws
    {
        try await TestDepot.run { depot in
            let depositor = TestDepositor(depot)
            _ = try await depositor.open(level: 2)
            let chunk = VerifiedObject(hashing: TestDepositor.data(5_000, seed: 8))
            _ = try await depositor.negotiate([chunk])
            var frames = TestDepositor.frames([chunk])
            frames[1] = TestDepositor.data(5_000, seed: 9)
            let refused = try await depot.http.call(
                .PUT, "/v1/deposits/\(depositor.deposit)/chunks", body: frames)
            #expect(refused.status == 422)
            #expect(refused.error?.code == .hashMismatch)
            #expect(refused.error?.object == chunk.id.hash.hex)
            #expect(depot.replicas.allSatisfy { $0.chunkCount == 0 })
            #expect(
                try TestDepositor.lacking(try await depositor.barrier([chunk])).map(\.id)
                    == [chunk.id.hash])
        }
    }

    @Test func `a chunk that was not negotiated, or with another length, is refused`() async throws
    {
        try await TestDepot.run { depot in
            let depositor = TestDepositor(depot)
            _ = try await depositor.open(level: 2)
            let chunk = VerifiedObject(hashing: TestDepositor.data(5_000, seed: 16))
            let early = try await depositor.upload([chunk])
            #expect(early.error?.code == .invalidArgument)
            let lie = try ChunkReference(id: chunk.id.hash, length: 4_999)
            let path = "/v1/deposits/\(depositor.deposit)"
            let named = try await depot.http.call(
                .POST, "\(path)/negotiation", body: [WireList.encode([lie])])
            #expect(named.status == 200)
            let refused = try await depositor.upload([chunk])
            #expect(refused.error?.code == .invalidArgument)
            #expect(refused.error?.message.contains("expected a chunk of 4999 bytes") == true)
        }
    }

    @Test func `deposits to one name leave one of them, whole`() async throws {
        try await TestDepot.run { depot in
            let contents = (0..<6).map { TestDepositor.data(40_000, seed: 100 + $0) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for data in contents {
                    group.addTask { try await depot.deposit("name", data, level: 2) }
                }
                try await group.waitForAll()
            }
            let answer = try await depot.content("name")
            #expect(contents.contains(answer.body))
        }
    }

    @Test func `one replica that hears something else does not spoil a deposit`() async throws {
        try await TestDepot.run(replicas: 4) { depot in
            depot.replicas[0].state.withLock { $0.mishears = true }
            let data = TestDepositor.data(70_000, seed: 10)
            let receipt = try await depot.deposit("file", data, level: 3, requireAll: true)
            #expect(receipt.copies == 3)
        }
    }

    @Test func `what a replica had not synced is asked for again, never acknowledged`() async throws
    {
        try await TestDepot.run { depot in
            let file = try TestDepositor.file(TestDepositor.data(60_000, seed: 11))
            let all = file.chunks + [file.manifest.object]
            let depositor = TestDepositor(depot)
            _ = try await depositor.open(level: 3)
            _ = try await depositor.negotiate(all)
            #expect(try await depositor.upload(all).status == 200)
            for replica in depot.replicas { replica.losePower() }
            let lacking = try TestDepositor.lacking(try await depositor.barrier(all))
            #expect(Set(lacking.map(\.id)) == Set(all.map(\.id.hash)))
            let early = try await depositor.commit("file", file.manifest)
            #expect(try early.json(CommitAnswerBody.self).results[0].receipt == nil)
            #expect(try await depositor.upload(all).status == 200)
            depot.replicas[0].losePower()
            #expect(try TestDepositor.lacking(try await depositor.barrier(all)).isEmpty)
            for replica in depot.replicas { replica.losePower() }
            let answer = try await depositor.commit("file", file.manifest)
            let receipt = try #require(
                try answer.json(CommitAnswerBody.self).results.first?.receipt)
            // The one that lost its copies got them again from the others, at the barrier.
            #expect(receipt.copies == 3)
        }
    }

    @Test func `a commit without its chunks says what is lacking`() async throws {
        try await TestDepot.run { depot in
            let file = try TestDepositor.file(TestDepositor.data(30_000, seed: 12))
            let depositor = TestDepositor(depot)
            _ = try await depositor.open(level: 2)
            _ = try await depositor.negotiate(file.chunks + [file.manifest.object])
            let bare = try await depositor.commit("file", file.manifest)
            #expect(
                try bare.json(CommitAnswerBody.self).results[0].lacking?.map(\.id)
                    == [file.manifest.object.id.hash])
            _ = try await depositor.upload([file.manifest.object])
            _ = try await depositor.barrier([file.manifest.object])
            let poor = try await depositor.commit("file", file.manifest)
            let lacking = try #require(try poor.json(CommitAnswerBody.self).results[0].lacking)
            #expect(Set(lacking.map(\.id)) == Set(file.chunks.map(\.id.hash)))
            #expect(try await depot.content("file").status == 404)
        }
    }

    @Test func `a manifest that lies about its size publishes nothing`() async throws {
        try await TestDepot.run { depot in
            let file = try TestDepositor.file(TestDepositor.data(30_000, seed: 13))
            let lie = ByteBuffer(
                string: String(buffer: file.manifest.object.contiguous)
                    .replacing("size 30000", with: "size 30001"))
            let forged = VerifiedObject(hashing: lie)
            let depositor = TestDepositor(depot)
            _ = try await depositor.open(level: 2)
            let all = file.chunks + [forged, file.manifest.object]
            _ = try await depositor.negotiate(all)
            _ = try await depositor.upload(all)
            _ = try await depositor.barrier(all)
            let inside = CommitBody.File(
                name: try FileName("inside"), manifest: ChunkReference(forged), size: 30_001,
                metadata: FileMetadata())
            let outside = CommitBody.File(
                name: try FileName("outside"), manifest: file.manifest.reference, size: 29_999,
                metadata: FileMetadata())
            let honest = CommitBody.File(
                name: try FileName("honest"), manifest: file.manifest.reference, size: 30_000,
                metadata: FileMetadata())
            let answer = try await depot.http.call(
                .POST, "/v1/deposits/\(depositor.deposit)/commits",
                body: [try WireJSON.encode(CommitBody(files: [inside, outside, honest]))])
            let results = try answer.json(CommitAnswerBody.self).results
            #expect(results[0].error?.code == .manifestInvalid)
            #expect(results[1].error?.code == .manifestInvalid)
            #expect(results[2].receipt?.copies == 2)
            let list = try await depot.http.call(.GET, "/v1/files").json(FileListBody.self)
            #expect(list.files.map(\.name.text) == ["honest"])
        }
    }

    /// Over a link of 1 Mbit/s each batch of what a barrier copies took its whole limit to fail.
    @Test func `a replica that took some copies of a barrier in vain is sent no more of them`()
        async throws
    {
        try await TestDepot.run(replicas: 2) { depot in
            try await depot.ready()
            let client = TestDepositor(depot)
            _ = try await client.open(level: 2)
            let slow = DepotError(.busy, "too slow")
            depot.links[1].inject(.refuse(slow), into: .openUpload, calls: .all)
            depot.links[1].inject(.refuse(slow), into: .put, calls: .all)
            var all: [VerifiedObject] = []
            for part in 0..<5 {
                let data = TestDepositor.data(8_000_000, seed: UInt64(150 + part))
                let chunks = try TestDepositor.file(data, chunkSize: 100_000).chunks
                _ = try await client.negotiate(chunks)
                #expect(try await client.upload(chunks).status == 200)
                all += chunks
            }
            let lacking = try TestDepositor.lacking(try await client.barrier(all))
            #expect(lacking.count == all.count)
            // Ten batches, of which three were under way at once.
            #expect((1...3).contains(depot.links[1].count(of: .put)))
        }
    }

    @Test func `the same deposit id gets the same receipt again`() async throws {
        try await TestDepot.run { depot in
            let data = TestDepositor.data(30_000, seed: 14)
            let depositor = TestDepositor(depot)
            let first = try await depositor.deposit("file", data, level: 3)
            let manifest = try TestDepositor.file(data).manifest
            let again = try await depositor.commit("file", manifest)
            #expect(try again.json(CommitAnswerBody.self).results[0].receipt == first)
        }
    }
}
