import DepotCore
import DepotServer
import DepotTestSupport
import DepotWire
import NIOCore
import Testing

/// Files of one chunk: replicas hold the chunk and the record, and nothing else.
@Suite struct InlineManifestTests {
    private static let data = TestDepositor.data(9_000, seed: 280)

    /// Objects of all replicas: chunks, and records.
    private func objects(_ depot: TestDepot) -> [Int] {
        [
            depot.replicas.reduce(0) { $0 + $1.chunkCount },
            depot.replicas.reduce(0) { $0 + $1.recordCount },
        ]
    }

    @Test func `a small file is one chunk and one record a copy, on every way in and out`()
        async throws
    {
        try await TestDepot.run { depot in
            try await depot.ready()
            let receipt = try await depot.deposit("file", Self.data, level: 3)
            let chunk = try TestDepositor.file(Self.data).chunks[0].id.hash
            #expect(receipt.chunk == chunk && receipt.chunks == 1 && receipt.copies == 3)
            #expect(objects(depot) == [3, 3])
            let put = try await depot.http.call(
                .PUT, "/v1/files/put?level=3", body: [Self.data])
            #expect(try put.json(ReceiptBody.self).manifest == receipt.manifest)
            #expect(objects(depot) == [3, 6])
            for name in ["file", "put"] {
                let content = try await depot.content(name)
                #expect(content.body == Self.data)
                let part = try await depot.http.call(
                    .GET, "/v1/files/\(name)/content", headers: [("Range", "bytes=8000-8009")])
                #expect(
                    part.status == 206 && part.body == Self.data.getSlice(at: 8_000, length: 10))
                let info = try await depot.info(name)
                #expect(info.chunks.map(\.id) == [chunk] && info.chunks[0].target == 3)
            }
            let proof = try await depot.prove(receipt)
            #expect(proof.isProved && proof.chunks == 1 && proof.bytesRead == 3 * 9_000)
            #expect(try await depot.verify().exitCode == 0)
            #expect(try await depot.changeLevel("file", 1).status == 200)
            #expect(try await depot.http.call(.DELETE, "/v1/files/put").status == 204)
            #expect(try await depot.collect().status == 200)
            #expect(try await depot.content("file").body == Self.data)
            #expect(depot.soundCopies(of: chunk) == 1)
            #expect(try await depot.http.call(.DELETE, "/v1/files/file").status == 204)
            #expect(try await depot.collect().status == 200)
            #expect(depot.soundCopies(of: chunk) == 0)
        }
    }

    @Test func `damage of the only chunk is found on reading, and repaired`() async throws {
        try await TestDepot.run { depot in
            try await depot.ready()
            try await depot.deposit("file", Self.data, level: 2)
            let chunk = try TestDepositor.file(Self.data).chunks[0].id.hash
            let holder = try #require(
                depot.replicas.first { $0.state.withLock { $0.objects[.chunk(chunk)] != nil } })
            holder.corrupt(chunk)
            #expect(try await depot.content("file").body == Self.data)
            _ = try await depot.verify()
            #expect(try await depot.verify().exitCode == 0)
            #expect(depot.soundCopies(of: chunk) == 2)
        }
    }

    /// Clients of before send the manifest's text, and commit it: such files are served as they are.
    @Test func `a stored manifest of one chunk is kept beside an inline one`() async throws {
        let replicas = (0..<3).map { _ in FakeReplica() }
        let file = try TestDepositor.file(Self.data)
        let text = VerifiedObject(
            hashing: Manifest(of: ChunkReference(file.chunks[0])).encoded)
        var old: ReceiptBody?
        try await TestDepot.inFolder { folder in
            try await TestDepot.start(on: replicas, in: folder) { depot in
                try await depot.ready()
                try await depot.deposit("inline", Self.data, level: 3)
                let client = TestDepositor(depot)
                #expect(try await client.open(level: 3).status == 200)
                let all = file.chunks + [text]
                #expect(try await client.negotiate(all) == [ChunkReference(text)])
                #expect(try await client.upload([text]).status == 200)
                #expect(try TestDepositor.lacking(try await client.barrier(all)).isEmpty)
                let commit = CommitBody.File(
                    name: try FileName("stored"), manifest: .init(stored: ChunkReference(text)),
                    size: 9_000, metadata: FileMetadata())
                let answer = try await depot.http.call(
                    .POST, "\(FileServerRoute.deposits)/\(client.deposit)/commits",
                    body: [try WireJSON.encode(CommitBody(files: [commit]))])
                let receipt = try #require(
                    try answer.json(CommitAnswerBody.self).results[0].receipt)
                #expect(receipt.chunk == nil && receipt.manifest == text.id.hash)
                old = receipt
                #expect(try await client.close().status == 204)
                #expect(try await depot.prove(receipt).isProved)
                #expect(try await depot.http.call(.DELETE, "/v1/files/inline").status == 204)
                #expect(try await depot.collect().status == 200)
                #expect(try await depot.content("stored").body == Self.data)
                #expect(try await depot.http.call(.DELETE, "/v1/files/none").status == 404)
                try await depot.eventually("records are where they belong") {
                    try await depot.catalog.outbox(limit: 1).isEmpty
                }
            }
        }
        try await TestDepot.inFolder { folder in
            let report = try await TestDepot.rebuild(replicas, in: folder, acceptMissing: false)
            #expect(report.isComplete && report.files == 1)
            try await TestDepot.start(on: replicas, in: folder) { depot in
                try await depot.ready()
                #expect(try await depot.content("stored").body == Self.data)
                try await depot.deposit("stored", Self.data, level: 3)
                for _ in 0..<2 { #expect(try await depot.collect().status == 200) }
                #expect(depot.soundCopies(of: text.id.hash) == 0, "nobody needs it any more")
                let proof = try await depot.prove(try #require(old))
                #expect(proof.isProved && proof.copiesNow == 3)
                #expect(try await depot.content("stored").body == Self.data)
            }
        }
    }

    @Test func `a rebuild brings small files back, or says which chunk is nowhere`() async throws {
        let replicas = (0..<3).map { _ in FakeReplica() }
        let lost = TestDepositor.data(8_000, seed: 281)
        try await TestDepot.inFolder { folder in
            try await TestDepot.start(on: replicas, in: folder) { depot in
                try await depot.ready()
                try await depot.deposit("file", Self.data, level: 2)
                try await depot.deposit("lost", lost, level: 1)
            }
        }
        let chunk = try TestDepositor.file(lost).chunks[0].id.hash
        for replica in replicas { replica.lose(chunk) }
        try await TestDepot.inFolder { folder in
            let report = try await TestDepot.rebuild(replicas, in: folder, acceptMissing: false)
            #expect(report.files == 1 && report.incomplete == 1)
            #expect(report.incompleteListed.first?.problem.contains(chunk.hex) == true)
            try await TestDepot.start(on: replicas, in: folder) { depot in
                try await depot.ready()
                #expect(try await depot.content("file").body == Self.data)
                let info = try await depot.info("file")
                #expect(info.file.level.copies == 2 && info.file.manifest.chunk != nil)
            }
        }
    }

    /// An empty file has no chunks, and its record alone says that it is there.
    @Test func `an empty file is its record, with as many copies as take that`() async throws {
        try await TestDepot.run(replicas: 3) { depot in
            let whole = try await depot.deposit("whole", ByteBuffer(), level: 3)
            #expect(whole.copies == 3 && !whole.degraded && whole.chunks == 0)
            #expect(depot.replicas.allSatisfy { $0.chunkCount == 0 && $0.recordCount == 1 })
            depot.replicas[2].mood = .unreachable
            try await depot.awaitState(.down, of: 2)
            let degraded = try await depot.deposit("degraded", ByteBuffer(), level: 3)
            #expect(degraded.copies == 2 && degraded.degraded)
            let all = try await TestDepositor(depot).open(level: 3, requireAll: true)
            #expect(all.error?.code == .notEnoughReplicas)
            let content = try await depot.content("degraded")
            #expect(content.status == 200 && content.body.readableBytes == 0)
            let info = try await depot.info("degraded")
            #expect(info.chunks.isEmpty && info.file.size == 0)
            depot.replicas[2].mood = .well
            try await depot.awaitState(.up, of: 2)
            try await depot.eventually("the record is on all") {
                depot.replicas.allSatisfy { $0.recordCount == 2 }
            }
            #expect(try await depot.verify().exitCode == 0)
        }
    }

    /// No copy of it can lack, so nothing stopped its commit, and the receipt spoke of copies that nobody had made.
    @Test func `an empty file replaces nothing, and promises nothing, that its record cannot keep`()
        async throws
    {
        try await TestDepot.run(replicas: 3) { depot in
            let data = TestDepositor.data(9_000, seed: 5)
            try await depot.deposit("file", data, level: 3)
            let strict = TestDepositor(depot)
            #expect(try await strict.open(level: 3, requireAll: true).status == 200)
            depot.replicas[2].mood = .unreachable
            try await depot.awaitState(.down, of: 2)
            let empty = try TestDepositor.file(ByteBuffer()).manifest
            let refused = try await strict.commit("file", empty).json(CommitAnswerBody.self)
            #expect(refused.results[0].error?.code == .notEnoughReplicas)
            #expect(try await depot.content("file").body == data)
            depot.replicas[2].mood = .well
            try await depot.awaitState(.up, of: 2)
            let depositor = TestDepositor(depot)
            #expect(try await depositor.open(level: 3).status == 200)
            depot.replicas[2].mood = .fullToTheEnd
            // It is asked, and has no room for records.
            let few = try await depositor.commit("new", empty).json(CommitAnswerBody.self)
            #expect(few.results[0].receipt?.copies == 2 && few.results[0].receipt?.degraded == true)
            depot.replicas[2].mood = .well
            let again = try await depositor.commit("new", empty).json(CommitAnswerBody.self)
            #expect(again.results[0].receipt?.copies == 2, "the same receipt again")
            let whole = try await depositor.commit("whole", empty).json(CommitAnswerBody.self)
            #expect(whole.results[0].receipt?.copies == 3)
            depot.replicas[2].mood = .unreachable
            try await depot.awaitState(.down, of: 2)
            let same = try await depositor.commit("whole", empty).json(CommitAnswerBody.self)
            #expect(same.results[0].receipt == whole.results[0].receipt)
        }
    }
}
