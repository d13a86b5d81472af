import DepotCore
import DepotTestSupport
import DepotWire
import NIOCore
import Testing

@testable import DepotServer

/// What one client says costs and hinders nobody else.
@Suite struct ClaimTests {
    enum Liar: CaseIterable, Sendable { case first, gone, last }

    /// Whoever first named a chunk with a wrong length made it impossible for everybody to deposit it.
    @Test(arguments: Liar.allCases)
    func `a chunk is as long as its bytes, whatever was claimed`(_ liar: Liar) async throws {
        try await TestDepot.run { depot in
            let data = TestDepositor.data(30_000, seed: 300)
            let file = try TestDepositor.file(data)
            let lying = TestDepositor(depot)
            let lies = try file.chunks.map {
                try ChunkReference(id: $0.id.hash, length: $0.length + 7)
            }
            func lie() async throws {
                _ = try await lying.open(level: 2)
                let list = WireList.encode(lies)
                let path = "\(FileServerRoute.deposits)/\(lying.deposit)"
                let negotiated = try await depot.http.call(
                    .POST, "\(path)/negotiation", body: [list])
                #expect(negotiated.status == 200)
                let barrier = try await depot.http.call(.POST, "\(path)/barrier", body: [list])
                #expect(try TestDepositor.lacking(barrier) == lies)
            }
            let honest = TestDepositor(depot)
            let all = file.chunks + file.manifest.objects
            if liar != .last { try await lie() }
            if liar == .gone { #expect(try await lying.close().status == 204) }
            _ = try await honest.open(level: 2)
            #expect(try await honest.negotiate(all).count == all.count)
            if liar == .last { try await lie() }
            #expect(try await honest.upload(all).status == 200)
            #expect(try TestDepositor.lacking(try await honest.barrier(all)).isEmpty)
            let answer = try await honest.commit("file", file.manifest)
            let result = try answer.json(CommitAnswerBody.self).results[0]
            #expect(result.receipt?.copies == 2)
            #expect(try await depot.content("file").body == data)
            // The bytes have come: now the liar is told.
            let late = try await depot.http.call(
                .POST, "\(FileServerRoute.deposits)/\(lying.deposit)/negotiation",
                body: [WireList.encode(lies)])
            if liar != .gone { #expect(late.error?.code == .manifestInvalid) }
        }
    }

    /// A client that reports copies as missing of what never was made every verification end with damage.
    @Test func `of a chunk that never was no copy is missing`() async throws {
        try await TestDepot.run { depot in
            let data = TestDepositor.data(20_000, seed: 301)
            try await depot.deposit("file", data, level: 3)
            let retrieval = RetrievalID.random()
            let opened = try await depot.http.call(
                .POST, FileServerRoute.retrievals,
                body: [
                    try WireJSON.encode(
                        OpenRetrievalBody(retrieval: retrieval, names: [FileName("file")]))
                ])
            try #require(opened.status == 200)
            let real = try #require(try await depot.goodCopies("file").keys.min())
            depot.replicas[0].lose(real)
            let copies = depot.replicas.map { BadCopy(replica: $0.id, reason: .missing) }
            let named = try [ChunkID(hashing: "never"), real].map {
                ReadRequest(
                    chunk: try ChunkReference(id: $0, length: 10_000), avoid: copies)
            }
            let read = try await depot.http.call(
                .POST, "\(FileServerRoute.retrievals)/\(retrieval)/chunks",
                body: [WireList.encode(named)])
            #expect(read.status == 200)
            try await depot.eventually("what was there and is not is noticed") {
                try await depot.goodCopies("file")[real]?.count == 2
            }
            let body = try await depot.verify()
            #expect(body.exitCode == 1 && body.problemCount == 1, "\(body)")
            #expect(try await depot.verify().exitCode == 0)
        }
    }

    /// A few MiB that were uploaded made the FileServer read, hash and parse 4 MiB for each line of a manifest that
    /// names the same piece again and again: hours, for one request.
    @Test func `a piece that a manifest names again and again is read once`() async throws {
        try await TestDepot.run(replicas: 1) { depot in
            let chunk = VerifiedObject(hashing: TestDepositor.data(1_000_000, seed: 302))
            let line = "\(chunk.id.hash.hex) 1000000\n"
            let lines = Limits.manifestSizeMax / line.utf8.count
            let piece = VerifiedObject(
                hashing: ByteBuffer(string: String(repeating: line, count: lines)))
            let last = VerifiedObject(hashing: ByteBuffer(string: line))
            let times = 2_000
            let size = UInt64(lines * times + 1) * 1_000_000
            let object = VerifiedObject(
                hashing: ByteBuffer(
                    string: "depot manifest 1\nsize \(size)\ndepth 1\n"
                        + String(
                            repeating: "\(piece.id.hash.hex) \(piece.length)\n", count: times)
                        + "\(last.id.hash.hex) \(last.length)\n"))
            let depositor = TestDepositor(depot)
            _ = try await depositor.open(level: 1)
            let all = [chunk, piece, last, object]
            _ = try await depositor.negotiate(all)
            for one in all { #expect(try await depositor.upload([one]).status == 200) }
            #expect(try TestDepositor.lacking(try await depositor.barrier(all)).isEmpty)
            let file = CommitBody.File(
                name: try FileName("file"), manifest: .init(stored: ChunkReference(object)),
                size: size,
                metadata: FileMetadata())
            let answer = try await depot.http.call(
                .POST, "/v1/deposits/\(depositor.deposit)/commits",
                body: [try WireJSON.encode(CommitBody(files: [file]))])
            let result = try answer.json(CommitAnswerBody.self).results[0]
            #expect(result.receipt?.chunks == lines * times + 1, "\(answer)")
            #expect(result.receipt?.newBytes == 1_000_000)
            func reads() -> Int {
                depot.replicas[0].state.withLock { $0.reads[piece.id, default: 0] }
            }
            #expect(reads() == 1)
            // The end of it is as near as its beginning.
            let content = try await depot.http.call(
                .GET, "/v1/files/file/content",
                headers: [("Range", "bytes=\(size - 1_000_000)-")])
            #expect(content.status == 206)
            #expect(content.body == chunk.contiguous)
            #expect(reads() == 2)
        }
    }
}
