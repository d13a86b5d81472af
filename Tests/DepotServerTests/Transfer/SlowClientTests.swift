import DepotCore
import DepotTestSupport
import DepotWire
import NIOCore
import Testing

@testable import DepotServer

// A client that is slow, stands still or goes away must cost nobody else anything. Twenty plain downloads once waited for
// each other's memory for ever; five clients that read nothing stopped all reading, and one slow upload all others.

@Suite(.timeLimit(.minutes(3))) struct SlowClientTests {
    /// So little that the kernel keeps next to nothing for a client that does not read.
    private static let small = 4_096

    static func request(
        _ method: String, _ path: String, length: Int = 0, keepsAlive: Bool = false
    ) -> String {
        "\(method) \(path) HTTP/1.1\r\nHost: depot\r\nAuthorization: Bearer \(TestDepot.token)\r\n"
            + (keepsAlive ? "" : "Connection: close\r\n")
            + "Content-Length: \(length)\r\n\r\n"
    }

    private static func impatient(_ configuration: inout FileServerConfiguration) {
        configuration.transfers.lookInterval = .milliseconds(50)
        configuration.transfers.always.grace = .milliseconds(400)
        configuration.transfers.whileUncrowded.grace = .milliseconds(400)
    }

    static func watchful(_ configuration: inout FileServerConfiguration) {
        configuration.transfers.lookInterval = .milliseconds(50)
        configuration.transfers.whileWanted.grace = .milliseconds(300)
    }

    @Test(arguments: ["file", "batch", "list"])
    func `a body that stops coming is told so`(kind: String) async throws {
        try await TestDepot.run(replicas: 1, configure: Self.impatient) { depot in
            let depositor = TestDepositor(depot)
            _ = try await depositor.open(level: 1)
            let below = "/v1/deposits/\(depositor.deposit)"
            let (method, path) =
                switch kind {
                case "file": ("PUT", "/v1/files/slow?level=1")
                case "batch": ("PUT", "\(below)/chunks")
                default: ("POST", "\(below)/negotiation")
                }
            let answer = try await RawConnection.open(port: depot.http.port) { connection in
                try await connection.send(Self.request(method, path, length: 1_000_000))
                try await connection.send(ByteBuffer(repeating: 0, count: 20))
                return try #require(try await connection.message())
            }
            #expect(answer.status == 429)
            #expect(answer.header("retry-after") == "1")
            let error = try WireJSON.decode(ErrorEnvelope.self, from: answer.body).error
            #expect(
                error.message == "the body came too slowly: for some time fewer than 1024 bytes a "
                    + "second; send it again")
            #expect(try await depot.content("slow").status == 404)
        }
    }

    @Test func `an answer that nobody takes is cut off`() async throws {
        try await TestDepot.run(replicas: 1, configure: Self.impatient) { depot in
            let data = TestDepositor.data(8 << 20, seed: 401)
            _ = try await depot.http.call(.PUT, "/v1/files/big?level=1", body: [data])
            try await RawConnection.open(port: depot.http.port, receiving: Self.small) {
                connection in
                try await connection.send(Self.request("GET", "/v1/files/big/content"))
                try await eventually("the connection is closed") {
                    // What comes to a closed connection is answered with a reset.
                    do { try await connection.send("x") } catch { return true }
                    return false
                }
            }
        }
    }

    @Test func `downloads do not wait for each other's memory`() async throws {
        let tight = { (configuration: inout FileServerConfiguration) in
            configuration.limits.retrievalMemory = 4 << 20
        }
        try await TestDepot.run(replicas: 1, configure: tight) { depot in
            let data = TestDepositor.data(9 << 20, seed: 402)
            _ = try await depot.http.call(.PUT, "/v1/files/big?level=1", body: [data])
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<20 {
                    group.addTask { try await depot.content("big").body == data }
                }
                for try await isSame in group { #expect(isSame) }
            }
        }
    }

    /// Whoever stands still goes on later, at the byte that it had come to.
    @Test(arguments: ["content", "batch"])
    func `what clients do not take is let go while others wait`(kind: String) async throws {
        let tight = { (configuration: inout FileServerConfiguration) in
            configuration.limits.retrievalMemory = 10 << 20
            Self.watchful(&configuration)
        }
        try await TestDepot.run(replicas: 2, configure: tight) { depot in
            let data = TestDepositor.data(7 << 20, seed: 403)
            _ = try await depot.http.call(.PUT, "/v1/files/big?level=2", body: [data])
            let chunks = try await depot.info("big").chunks
                .map { try ChunkReference(id: $0.id, length: $0.length) }
            let retrieval = try await RetrievalTests.open(depot, "big")
            let list = WireList.encode(chunks.map { ReadRequest(chunk: $0) })
            let head =
                kind == "content"
                ? Self.request("GET", "/v1/files/big/content")
                : Self.request(
                    "POST", "/v1/retrievals/\(retrieval)/chunks", length: list.readableBytes)
            let expected =
                kind == "content"
                ? data
                : try await depot.http.call(
                    .POST, "/v1/retrievals/\(retrieval)/chunks", body: [list]
                ).body
            try await withThrowingTaskGroup(of: Void.self) { group in
                let (begun, hasBegun) = AsyncStream.makeStream(of: Void.self)
                let gate = Gate()
                for _ in 0..<6 {
                    group.addTask {
                        try await RawConnection.open(
                            port: depot.http.port, receiving: Self.small
                        ) { connection in
                            try await connection.send(head)
                            if kind == "batch" { try await connection.send(list) }
                            hasBegun.yield()
                            await gate.wait()
                            let answer = try #require(try await connection.message())
                            #expect(answer.status == 200)
                            #expect(answer.body.readableBytes == expected.readableBytes)
                            if kind == "content" { #expect(answer.body == expected) }
                            if kind == "batch" {
                                #expect(try Self.chunks(answer.body) == Self.chunks(expected))
                            }
                        }
                    }
                }
                var count = 0
                for await _ in begun {
                    count += 1
                    if count == 6 { break }
                }
                for _ in 0..<3 { #expect(try await depot.content("big").body == data) }
                gate.open()
                try await group.waitForAll()
            }
        }
    }

    /// The bytes of each chunk; who gave it may differ.
    private static func chunks(_ body: ByteBuffer) throws -> [ByteBuffer] {
        var parser = ObjectFrameParser()
        parser.append(body)
        var chunks: [ByteBuffer] = []
        while let event = try parser.next() {
            switch event {
            case .begin: chunks.append(ByteBuffer())
            case .content(var bytes): chunks[chunks.count - 1].writeBuffer(&bytes)
            case .end: break
            }
        }
        try parser.finish()
        return chunks
    }

    @Test func `pages that nobody takes keep no others waiting`() async throws {
        let tight = { (configuration: inout FileServerConfiguration) in
            configuration.limits.bodyMemory = 1 << 20
            Self.watchful(&configuration)
        }
        try await TestDepot.run(replicas: 1, configure: tight) { depot in
            try await Self.depositMany(1_000, depot)
            let list = { try await depot.http.call(.GET, "/v1/files?limit=1000") }
            let whole = try await list().body
            #expect(whole.readableBytes > 2_000_000)
            try await RawConnection.open(port: depot.http.port, receiving: Self.small) {
                connection in
                try await connection.send(Self.request("GET", "/v1/files?limit=1000"))
                _ = try #require(await connection.head())
                // The other one's memory is wanted now, and it takes nothing.
                #expect(try await list().body == whole)
                let rest = await connection.rest()
                #expect(rest.readableBytes < whole.readableBytes)
            }
        }
    }

    /// Names of nearly a KiB, which JSON doubles, for one content.
    private static func depositMany(_ count: Int, _ depot: TestDepot) async throws {
        let depositor = TestDepositor(depot)
        _ = try await depositor.open(level: 1)
        let file = try TestDepositor.file(TestDepositor.data(100, seed: 406))
        let objects = file.chunks + file.manifest.objects
        _ = try await depositor.negotiate(objects)
        #expect(try await depositor.upload(objects).status == 200)
        #expect(try TestDepositor.lacking(try await depositor.barrier(objects)) == [])
        let padding = String(repeating: "\"", count: 1_000)
        for batch in Array(0..<count).batches(of: WireLimits.commitFilesMax) {
            let files = try batch.map { number in
                CommitBody.File(
                    name: try FileName("\(number)-\(padding)"), manifest: file.manifest.reference,
                    size: file.manifest.size, metadata: FileMetadata())
            }
            let answer = try await depot.http.call(
                .POST, "/v1/deposits/\(depositor.deposit)/commits",
                body: [try WireJSON.encode(CommitBody(files: files))])
            #expect(answer.status == 200)
        }
    }

    /// A request whose client was gone waited on, up to five minutes, with all it had taken.
    @Test func `a request is given up when its connection ends`() async throws {
        let patient = { (configuration: inout FileServerConfiguration) in
            configuration.timing.stallLimit = .seconds(600)
            configuration.timing.probeLimit = .seconds(600)
            configuration.transfers.lookInterval = .milliseconds(50)
        }
        try await TestDepot.run(replicas: 1, configure: patient) { depot in
            let data = TestDepositor.data(100_000, seed: 405)
            _ = try await depot.http.call(.PUT, "/v1/files/file?level=1", body: [data])
            depot.links[0].inject(.hang, into: .read, calls: .all)
            try await RawConnection.open(port: depot.http.port) { connection in
                try await connection.send(
                    Self.request("GET", "/v1/files/file/content", keepsAlive: true))
                try await eventually("the replica is asked") { depot.links[0].hangingCount > 0 }
            }
            try await eventually("nobody waits any more") { depot.links[0].hangingCount == 0 }
            depot.links[0].heal()
            #expect(try await depot.content("file").body == data)
        }
    }
}
