import DepotCore
import DepotWire
import NIOCore
import Testing

@Suite struct RetrievalTests {
    struct Chunk {
        let frame: ObjectFrame
        var bytes = ByteBuffer()
    }

    static func read(
        _ depot: TestDepot, _ retrieval: RetrievalID, _ requests: [ReadRequest]
    ) async throws -> [Chunk] {
        let answer = try await depot.http.call(
            .POST, "/v1/retrievals/\(retrieval)/chunks", body: [WireList.encode(requests)])
        try #require(answer.status == 200, "\(String(buffer: answer.body))")
        var parser = ObjectFrameParser()
        parser.append(answer.body)
        var chunks: [Chunk] = []
        while let event = try parser.next() {
            switch event {
            case .begin(let frame): chunks.append(Chunk(frame: frame))
            case .content(var bytes): chunks[chunks.count - 1].bytes.writeBuffer(&bytes)
            case .end: break
            }
        }
        try parser.finish()
        return chunks
    }

    static func open(_ depot: TestDepot, _ name: String) async throws -> RetrievalID {
        let body = OpenRetrievalBody(retrieval: .random(), names: [try FileName(name)])
        let answer = try await depot.http.call(
            .POST, FileServerRoute.retrievals, body: [try WireJSON.encode(body)])
        return try answer.json(RetrievalBody.self).retrieval
    }

    @Test func `chunks come in the order in which they are asked for, with who gave them`()
        async throws
    {
        try await TestDepot.run { depot in
            let data = TestDepositor.data(45_000, seed: 30)
            try await depot.deposit("file", data, level: 2)
            let file = try TestDepositor.file(data)
            let retrieval = try await Self.open(depot, "file")
            let wanted = file.chunks.reversed().map { ReadRequest(chunk: ChunkReference($0)) }
            let chunks = try await Self.read(depot, retrieval, wanted)
            #expect(chunks.map(\.frame.id) == file.chunks.reversed().map(\.id))
            #expect(chunks.map(\.bytes) == file.chunks.reversed().map(\.contiguous))
            let ids = Set(depot.replicas.map(\.id))
            #expect(chunks.allSatisfy { $0.frame.replica.map(ids.contains) == true })
        }
    }

    @Test func `a replica that has not what it should have is named, and another one gives it`()
        async throws
    {
        try await TestDepot.run { depot in
            let data = TestDepositor.data(9_000, seed: 32)
            try await depot.deposit("file", data, level: 3)
            let chunk = try TestDepositor.file(data).chunks[0]
            let request = ReadRequest(chunk: ChunkReference(chunk))
            let retrieval = try await Self.open(depot, "file")
            let first = try await Self.read(depot, retrieval, [request])
            let holder = try #require(first.first?.frame.replica)
            depot.replicas.first { $0.id == holder }?.lose(chunk.id.hash)
            let frames = try await Self.read(depot, retrieval, [request])
            #expect(frames.map(\.frame.status) == [.missing, .present])
            #expect(frames.first?.frame.replica == holder)
            #expect(frames.last?.frame.replica != holder)
            #expect(frames.last?.bytes == chunk.contiguous)
        }
    }

    @Test func `a copy that the client found corrupt is not given again, and is checked`()
        async throws
    {
        try await TestDepot.run { depot in
            let data = TestDepositor.data(9_000, seed: 31)
            try await depot.deposit("file", data, level: 3)
            let chunk = try TestDepositor.file(data).chunks[0]
            for replica in depot.replicas.prefix(2) { replica.corrupt(chunk.id.hash) }
            let retrieval = try await Self.open(depot, "file")
            var avoid: [BadCopy] = []
            var found: Chunk?
            while avoid.count < 3, found == nil {
                let request = ReadRequest(chunk: ChunkReference(chunk), avoid: avoid)
                let given = try #require(try await Self.read(depot, retrieval, [request]).first)
                let replica = try #require(given.frame.replica)
                #expect(!avoid.map(\.replica).contains(replica))
                if ChunkID(hashing: given.bytes) == chunk.id.hash {
                    found = given
                } else {
                    avoid.append(BadCopy(replica: replica, reason: .corrupt))
                }
            }
            #expect(found?.frame.replica == depot.replicas[2].id)
            try await depot.eventually("the catalog knows the bad copies") {
                let states = try await depot.info("file").chunks.first { $0.id == chunk.id.hash }
                return states?.holdings.filter { $0.state == .bad }.count == avoid.count
            }
            // A chunk that has no copy left to try is absent, which is an answer.
            let all = depot.replicas.map { BadCopy(replica: $0.id, reason: .unreachable) }
            let none = try await Self.read(
                depot, retrieval, [ReadRequest(chunk: ChunkReference(chunk), avoid: all)])
            #expect(none.first?.frame.status == .absent)
        }
    }

    @Test func `a hint that is wrong changes nothing`() async throws {
        try await TestDepot.run { depot in
            let data = TestDepositor.data(9_000, seed: 32)
            try await depot.deposit("file", data, level: 3)
            let chunk = try TestDepositor.file(data).chunks[0]
            let retrieval = try await Self.open(depot, "file")
            let lies = depot.replicas.prefix(2).map { BadCopy(replica: $0.id, reason: .corrupt) }
            _ = try await Self.read(
                depot, retrieval, [ReadRequest(chunk: ChunkReference(chunk), avoid: lies)])
            for _ in 0..<20 {
                let copies = try await depot.goodCopies("file")
                #expect(copies[chunk.id.hash]?.count == 3)
                try await Task.sleep(for: .milliseconds(5))
            }
        }
    }

    enum Damage: CaseIterable, Sendable { case corrupt, missing, hanging, unreachable }

    @Test(arguments: Damage.allCases)
    func `content is whole while one good copy of each chunk is left`(
        damage: Damage
    ) async throws {
        try await TestDepot.run { depot in
            let data = TestDepositor.data(64_000, seed: 33)
            try await depot.deposit("file", data, level: 3)
            let file = try TestDepositor.file(data)
            for (index, chunk) in (file.chunks + file.manifest.objects).enumerated() {
                for (number, replica) in depot.replicas.enumerated() where number != index % 3 {
                    switch damage {
                    case .corrupt: replica.corrupt(chunk.id.hash)
                    case .missing: replica.lose(chunk.id.hash)
                    case .hanging, .unreachable: break
                    }
                }
            }
            if damage == .hanging {
                for replica in depot.replicas.prefix(2) { replica.mood = .hangingReads }
            }
            if damage == .unreachable {
                for replica in depot.replicas.prefix(2) { replica.mood = .unreachable }
            }
            let answer = try await depot.content("file")
            #expect(answer.status == 200)
            #expect(answer.isWhole)
            #expect(answer.body == data)
        }
    }

    @Test func `content without a good copy of a chunk is cut off, never ended`() async throws {
        try await TestDepot.run { depot in
            let data = TestDepositor.data(9 << 20, seed: 34)
            let put = try await depot.http.call(.PUT, "/v1/files/file?level=2", body: [data])
            #expect(put.status == 201)
            let retrieval = try await depot.catalog.file(FileName("file"))
            let texts = depot.replicas.compactMap { replica -> ByteBuffer? in
                replica.state.withLock { $0.objects[.chunk(retrieval.manifest.id)]?.bytes }
            }
            let last = try #require(try Manifest(parsing: texts[0]).entries.last)
            for replica in depot.replicas { replica.corrupt(last.id) }
            let answer = try await depot.content("file")
            #expect(answer.status == 200)
            #expect(!answer.isWhole)
            #expect(answer.body.readableBytes < data.readableBytes)
            #expect(answer.body == data.getSlice(at: 0, length: answer.body.readableBytes))
        }
    }

    @Test func `content whose beginning is lost is an error that names the chunk`() async throws {
        try await TestDepot.run { depot in
            let data = TestDepositor.data(25_000, seed: 37)
            try await depot.deposit("file", data, level: 2)
            let chunk = try TestDepositor.file(data).chunks[1]
            for replica in depot.replicas { replica.lose(chunk.id.hash) }
            let answer = try await depot.content("file")
            #expect(answer.status == 500)
            #expect(answer.error?.code == .noGoodCopy)
            #expect(answer.error?.object == chunk.id.hash.hex)
            #expect(answer.error?.message.contains("offset 10000") == true)
            let later = try await depot.http.call(
                .GET, "/v1/files/file/content", headers: [("Range", "bytes=20000-")])
            #expect(later.body == data.getSlice(at: 20_000, length: 5_000))
        }
    }

    struct RangeCase: Sendable {
        let range: String
        let expected: ClosedRange<Int>?
        init(_ range: String, _ expected: ClosedRange<Int>?) {
            self.range = range
            self.expected = expected
        }
    }

    @Test(arguments: [
        RangeCase("bytes=0-0", 0...0), RangeCase("bytes=9999-10000", 9_999...10_000),
        RangeCase("bytes=5-29", 5...29), RangeCase("bytes=24000-", 24_000...24_999),
        RangeCase("bytes=-10", 24_990...24_999), RangeCase("bytes=-99999", 0...24_999),
        RangeCase("bytes=10-999999", 10...24_999),
        RangeCase("bytes=9999999999999999999999-", nil), RangeCase("bytes=25000-", nil),
        RangeCase("bytes=-0", nil),
    ])
    func `a range is exactly that range`(range: RangeCase) async throws {
        try await TestDepot.run(replicas: 1) { depot in
            let data = TestDepositor.data(25_000, seed: 35)
            try await depot.deposit("file", data, level: 1)
            let answer = try await depot.http.call(
                .GET, "/v1/files/file/content", headers: [("Range", range.range)])
            guard let expected = range.expected else {
                #expect(answer.status == 416)
                #expect(answer.headers.first(name: "Content-Range") == "bytes */25000")
                return
            }
            #expect(answer.status == 206)
            #expect(
                answer.headers.first(name: "Content-Range")
                    == "bytes \(expected.lowerBound)-\(expected.upperBound)/25000")
            #expect(
                answer.body
                    == data.getSlice(at: expected.lowerBound, length: expected.count))
        }
    }

    @Test func `tags, conditions and HEAD`() async throws {
        try await TestDepot.run(replicas: 1) { depot in
            let data = TestDepositor.data(25_000, seed: 36)
            let put = try await depot.http.call(
                .PUT, "/v1/files/file?level=1", headers: [("Content-Type", "image/png")],
                body: [data])
            let tag = "\"\(try put.json(ReceiptBody.self).manifest.hex)\""
            let head = try await depot.http.call(.HEAD, "/v1/files/file/content")
            #expect(head.status == 200)
            #expect(head.body.readableBytes == 0)
            #expect(head.headers.first(name: "Content-Length") == "25000")
            #expect(head.headers.first(name: "ETag") == tag)
            #expect(head.headers.first(name: "Content-Type") == "image/png")
            #expect(head.headers.first(name: "Accept-Ranges") == "bytes")
            #expect(head.headers.first(name: "Last-Modified")?.hasSuffix(" GMT") == true)
            for list in [tag, "W/\(tag)", "\"x\", \(tag)", "*"] {
                let same = try await depot.http.call(
                    .GET, "/v1/files/file/content", headers: [("If-None-Match", list)])
                #expect(same.status == 304)
                #expect(same.body.readableBytes == 0)
            }
            for (condition, status) in [(tag, 206), ("\"other\"", 200)] {
                let part = try await depot.http.call(
                    .GET, "/v1/files/file/content",
                    headers: [("Range", "bytes=0-9"), ("If-Range", condition)])
                #expect(part.status == status)
            }
            let several = try await depot.http.call(
                .GET, "/v1/files/file/content", headers: [("Range", "bytes=0-1,4-5")])
            #expect(several.status == 200)
            #expect(several.body == data)
        }
    }
}
