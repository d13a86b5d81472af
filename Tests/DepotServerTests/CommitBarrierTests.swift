import DepotCore
import DepotServer
import DepotTestSupport
import DepotWire
import NIOCore
import Testing

/// A file of one chunk passes its barrier with its commit.
@Suite struct CommitBarrierTests {
    private static let file = Result {
        try TestDepositor.file(TestDepositor.data(9_000, seed: 290))
    }

    private static func result(
        _ answer: HTTPCaller.Answer
    ) throws -> CommitAnswerBody.Result {
        try #require(answer.status == 200, "\(String(buffer: answer.body))")
        return try #require(try answer.json(CommitAnswerBody.self).results.first)
    }

    /// A client that has sent chunks, and passed no barrier.
    private static func sent(
        _ chunks: [VerifiedObject], to depot: TestDepot, level: Int, requireAll: Bool = false
    ) async throws -> TestDepositor {
        try await depot.ready()
        let client = TestDepositor(depot)
        _ = try await client.open(level: level, requireAll: requireAll)
        _ = try await client.negotiate(chunks)
        #expect(try await client.upload(chunks).status == 200)
        return client
    }

    /// What is not durable before the receipt is lost when the power goes.
    @Test func `it is durable when its receipt is given`() async throws {
        let file = try Self.file.get()
        let chunk = file.chunks[0].id.hash
        try await TestDepot.run { depot in
            let client = try await Self.sent(file.chunks, to: depot, level: 3)
            let without = try Self.result(try await client.commit("file", file.manifest))
            #expect(without.lacking?.map(\.id) == [chunk])
            let with = try Self.result(
                try await client.commit("file", file.manifest, makingDurable: true))
            #expect(with.receipt?.copies == 3 && with.receipt?.newBytes == 9_000)
            for replica in depot.replicas { replica.losePower() }
            #expect(depot.soundCopies(of: chunk) == 3)
            #expect(try await depot.content("file").body == file.chunks[0].contiguous)
        }
    }

    @Test func `what no replica has is lacking, and nothing is published`() async throws {
        let file = try Self.file.get()
        try await TestDepot.run { depot in
            try await depot.ready()
            let client = TestDepositor(depot)
            _ = try await client.open(level: 3)
            _ = try await client.negotiate(file.chunks)
            let result = try Self.result(
                try await client.commit("file", file.manifest, makingDurable: true))
            #expect(result.lacking == file.chunks.map(ChunkReference.init))
            #expect(try await depot.content("file").status == 404)
            // A power cut between the upload and the commit.
            #expect(try await client.upload(file.chunks).status == 200)
            for replica in depot.replicas { replica.losePower() }
            let late = try Self.result(
                try await client.commit("file", file.manifest, makingDurable: true))
            #expect(late.lacking == file.chunks.map(ChunkReference.init))
            #expect(try await depot.content("file").status == 404)
        }
    }

    @Test(arguments: [false, true])
    func `copies that are too few are made before`(requireAll: Bool) async throws {
        let file = try Self.file.get()
        let chunk = file.chunks[0].id.hash
        try await TestDepot.run { depot in
            let client = try await Self.sent(
                file.chunks, to: depot, level: 3, requireAll: requireAll)
            depot.replicas[1].lose(chunk)
            let result = try Self.result(
                try await client.commit("file", file.manifest, makingDurable: true))
            #expect(result.receipt?.copies == 3)
            #expect(depot.soundCopies(of: chunk) == 3)
        }
    }

    /// One file that is refused does not take the others with it, and they need no barrier of their own.
    @Test func `a file that is refused leaves the others as they are`() async throws {
        let file = try Self.file.get()
        let other = try TestDepositor.file(TestDepositor.data(8_000, seed: 291))
        try await TestDepot.run { depot in
            try await depot.ready()
            let client = TestDepositor(depot)
            _ = try await client.open(level: 2)
            _ = try await client.negotiate(file.chunks + other.chunks)
            #expect(try await client.upload(file.chunks + other.chunks).status == 200)
            let first = try Self.result(
                try await client.commit("taken", file.manifest, makingDurable: true))
            #expect(first.receipt?.copies == 2)
            let both = CommitBody(files: [
                FileProposal(
                    name: try FileName("taken"), manifest: other.manifest.reference, size: 8_000,
                    metadata: FileMetadata()),
                FileProposal(
                    name: try FileName("free"), manifest: other.manifest.reference, size: 8_000,
                    metadata: FileMetadata()),
            ])
            let answer = try await depot.http.call(
                .POST,
                "\(FileServerRoute.deposits)/\(client.deposit)/commits?durable=true&lines=true",
                body: [both.lines])
            let results = try CommitAnswerBody(lines: answer.body).results
            #expect(results[0].error?.code == .conflict)
            #expect(results[1].receipt?.copies == 2)
            #expect(try await depot.content("taken").body == file.chunks[0].contiguous)
            #expect(try await depot.content("free").body == other.chunks[0].contiguous)
            #expect(try await depot.verify().exitCode == 0)
        }
    }

    @Test func `too few replicas refuse it as they refuse a barrier`() async throws {
        let file = try Self.file.get()
        try await TestDepot.run { depot in
            let client = try await Self.sent(file.chunks, to: depot, level: 3, requireAll: true)
            depot.replicas[2].mood = .unreachable
            try await depot.awaitState(.down, of: 2)
            let answer = try await client.commit("file", file.manifest, makingDurable: true)
            #expect(answer.error?.code == .notEnoughReplicas)
            #expect(try await depot.content("file").status == 404)
        }
    }

    /// The answer is lost, and so are the replicas, before the client asks again.
    @Test(arguments: [false, true])
    func `what was committed before has its receipt, whoever is up`(
        makesDurable: Bool
    ) async throws {
        let file = try Self.file.get()
        try await TestDepot.run { depot in
            let client = try await Self.sent(file.chunks, to: depot, level: 3, requireAll: true)
            let lost = try Self.result(
                try await client.commit("file", file.manifest, makingDurable: true))
            #expect(lost.receipt?.copies == 3)
            depot.replicas[2].mood = .unreachable
            try await depot.awaitState(.down, of: 2)
            let again = try Self.result(
                try await client.commit("file", file.manifest, makingDurable: makesDurable))
            #expect(again.receipt == lost.receipt, "\(again)")
        }
    }
}
