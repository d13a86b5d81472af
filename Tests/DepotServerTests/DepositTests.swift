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
        // Who died is down until it is heard again: without the two the others have to be a majority.
        try await TestDepot.run(replicas: 5) { depot in
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

    /// `depot delete` is what frees a full disk, and ended with 5: replicas that were full were given no tombstone.
    @Test func `a deletion goes through though all disks are full`() async throws {
        try await TestDepot.run { depot in
            try await depot.deposit("file", TestDepositor.data(9_000, seed: 10), level: 3)
            for replica in depot.replicas { replica.mood = .full }
            let depositor = TestDepositor(depot)
            _ = try await depositor.open(level: 2)
            let chunk = VerifiedObject(hashing: TestDepositor.data(5_000, seed: 11))
            _ = try await depositor.negotiate([chunk])
            #expect(try await depositor.upload([chunk]).error?.code == .storageFull)
            #expect(try await depot.http.call(.DELETE, "/v1/files/file").status == 204)
            try await depot.eventually("the tombstone is everywhere") {
                depot.replicas.allSatisfy { $0.recordCount == 2 }
            }
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

    /// Nothing is noted of what a client names, so nobody can tell what was negotiated before a restart.
    @Test
    func `a chunk that was not negotiated is taken as a new one, with the length that it has`()
        async throws
    {
        try await TestDepot.run { depot in
            let depositor = TestDepositor(depot)
            _ = try await depositor.open(level: 2)
            let chunk = VerifiedObject(hashing: TestDepositor.data(5_000, seed: 16))
            #expect(try await depositor.upload([chunk]).status == 200)
            #expect(try TestDepositor.lacking(try await depositor.barrier([chunk])).isEmpty)
            var lie = ByteBuffer()
            ObjectFrame(id: chunk.id, status: .present, length: 4_999, replica: nil)
                .write(to: &lie)
            lie.writeBytes(chunk.contiguous.readableBytesView.prefix(4_999))
            let refused = try await depot.http.call(
                .PUT, "/v1/deposits/\(depositor.deposit)/chunks", body: [lie])
            #expect(refused.error?.code == .invalidArgument)
            #expect(refused.error?.message.contains("expected a chunk of 5000 bytes") == true)
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
