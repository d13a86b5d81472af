import DepotCore
import DepotWire
import NIOCore
import NIOHTTP1
import Testing

@Suite struct DoorTests {
    static let id = "0b8f6f2e-9a53-4b58-8d4c-0d3b6a1f2c3d"

    static let routes: [(String, String)] = [
        ("GET", "/v1/status"), ("POST", "/v1/deposits"), ("POST", "/v1/deposits/\(id)/negotiation"),
        ("PUT", "/v1/deposits/\(id)/chunks"), ("POST", "/v1/deposits/\(id)/barrier"),
        ("POST", "/v1/deposits/\(id)/commits"), ("DELETE", "/v1/deposits/\(id)"),
        ("POST", "/v1/retrievals"), ("POST", "/v1/retrievals/\(id)/chunks"),
        ("DELETE", "/v1/retrievals/\(id)"), ("GET", "/v1/files"), ("GET", "/v1/files/a/info"),
        ("POST", "/v1/files/a/level"), ("GET", "/v1/files/a/content"),
        ("HEAD", "/v1/files/a/content"), ("PUT", "/v1/files/a"), ("DELETE", "/v1/files/a"),
        ("GET", "/nowhere"),
    ]

    @Test func `nothing but health is answered without the token`() async throws {
        try await TestDepot.run(replicas: 1) { depot in
            for token in [nil, "wrong-token-0123456789", TestDepot.token + "x", ""] {
                for (method, path) in Self.routes {
                    let caller = HTTPCaller(port: depot.http.port, token: token)
                    let answer = try await caller.call(HTTPMethod(rawValue: method), path)
                    #expect(answer.status == 401, "\(method) \(path)")
                    if method != "HEAD" { #expect(answer.error?.code == .unauthorized) }
                    #expect(answer.headers.first(name: "WWW-Authenticate") == "Bearer")
                }
            }
            let caller = HTTPCaller(port: depot.http.port, token: nil)
            #expect(try await caller.call(.GET, "/health").json(HealthBody.self).status == .ok)
            #expect(try await depot.http.call(.GET, "/nowhere").error?.code == .notFound)
            let patch = try await depot.http.call(.PATCH, "/v1/status")
            #expect(patch.status == 405)
            #expect(patch.headers.first(name: "Allow") == "GET")
        }
    }

    @Test(arguments: [
        ("OPTIONS", "f/content", "DELETE, GET, HEAD, PUT"), ("POST", "f/info", "DELETE, GET, PUT"),
        ("GET", "f/level", "DELETE, POST, PUT"), ("HEAD", "f/versions", "DELETE, GET, PUT"),
        ("PATCH", "f/purge", "DELETE, GET, POST, PUT"), ("PATCH", "f", "DELETE, PUT"),
        ("PATCH", "f/g", "DELETE, PUT"), ("PATCH", "content", "DELETE, PUT"),
    ])
    func `a method that is not allowed is answered with those that are`(
        method: String, path: String, allowed: String
    ) async throws {
        try await TestDepot.run(replicas: 1) { depot in
            let answer = try await depot.http.call(
                HTTPMethod(rawValue: method), "/v1/files/\(path)")
            #expect(answer.status == 405)
            #expect(answer.headers.first(name: "Allow") == allowed)
        }
    }

    /// A client that wants its chunks kept apart got them shared, and was not told.
    @Test func `a deposit in a domain that there is not is refused`() async throws {
        try await TestDepot.run(replicas: 1) { depot in
            for (domain, status) in [("default", 200), ("mine", 400), ("", 400)] {
                let body = """
                    {"deposit": "\(Self.id)", "level": 1, "requireAll": false,
                    "dedupeDomain": "\(domain)"}
                    """
                let answer = try await depot.http.call(
                    .POST, "/v1/deposits", body: [ByteBuffer(string: body)])
                #expect(answer.status == status, "\(domain)")
            }
        }
    }

    @Test func `a policy's prefix is as long as its record can say, and no longer`() async throws {
        try await TestDepot.run(replicas: 1) { depot in
            let policy = try WireJSON.encode(PolicyBody(VersionPolicy(days: 1, last: 1)))
            for (length, status) in [(1_010, 200), (1_011, 400)] {
                let prefix = String(repeating: "a", count: length)
                let answer = try await depot.http.call(
                    .PUT, "/v1/policies?prefix=\(prefix)", body: [policy])
                #expect(answer.status == status, "\(answer.error?.message ?? "")")
                #expect(answer.error?.message.contains("at most 1010") ?? (status == 200))
            }
        }
    }

    /// A flipped bit in a body made a level of 3 a level of 1, and nobody noticed.
    @Test
    func `a body that was changed on its way is refused, and an answer says what it hashes to`()
        async throws
    {
        try await TestDepot.run(replicas: 3) { depot in
            try await depot.deposit("file", TestDepositor.data(4_000, seed: 7), level: 3)
            let asked = try WireJSON.encode(
                ChangeLevelBody(level: try ReplicationLevel(3), planOnly: false))
            let arrived = try WireJSON.encode(
                ChangeLevelBody(level: try ReplicationLevel(1), planOnly: false))
            let answer = try await depot.http.call(
                .POST, "/v1/files/file/level",
                headers: [(BodyDigest.header, BodyDigest.of(asked))], body: [arrived])
            #expect(answer.error?.code == .unreachable)
            #expect(
                answer.headers.first(name: BodyDigest.header)
                    == BodyDigest.of(answer.body))
            #expect(try await depot.info("file").file.level.copies == 3)
        }
    }

    @Test(arguments: [
        "..%2Fx", "../x", "%2Fabsolute", "a/../b", "a%2F..%2Fb", "%2e%2e", ".", "a//b", "a/",
        "tab%09", "nul%00", "bad%zz", "bad%4", "%ff%fe",
        String(repeating: "n", count: 1_025), String(repeating: "%C3%A9", count: 513),
    ])
    func `names that try to escape are refused, and change nothing`(path: String) async throws {
        try await TestDepot.run(replicas: 1) { depot in
            for (method, verb) in [("PUT", ""), ("DELETE", ""), ("GET", "/content")] {
                let answer = try await depot.http.call(
                    HTTPMethod(rawValue: method), "/v1/files/\(path)\(verb)?level=1",
                    body: method == "PUT" ? [ByteBuffer(string: "x")] : [])
                #expect(answer.status == 400, "\(method) \(path)")
                #expect(answer.error?.code == .invalidArgument)
            }
            #expect(try await depot.catalog.totals(counting: []).files == 0)
        }
    }

    @Test(arguments: ["a//b", "x/", "/absolute", "..", "a/../b", "a\nb"])
    func `a deposit of a name that is no path is refused`(name: String) async throws {
        try await TestDepot.run(replicas: 1) { depot in
            let client = TestDepositor(depot)
            _ = try await client.open(level: 1)
            let file = try TestDepositor.file(ByteBuffer())
            let names = CommitBody(
                files: try ["good", name].map {
                    FileProposal(
                        name: try FileName($0), manifest: file.manifest.reference, size: 0,
                        metadata: FileMetadata())
                })
            for (form, body) in [("true", names.lines), ("false", try WireJSON.encode(names))] {
                let answer = try await depot.http.call(
                    .POST, "\(FileServerRoute.deposits)/\(client.deposit)/commits?lines=\(form)",
                    body: [body])
                #expect(answer.status == 400)
                #expect(answer.error?.object == name)
            }
            #expect(try await depot.catalog.totals(counting: []).files == 0)
        }
    }

    @Test(arguments: [
        ("plain", "plain"), ("a/b/c", "a/b/c"), ("a%2Fb", "a/b"), ("content", "content"),
        ("with%20space%26%3F", "with space&?"), ("%E2%82%AC", "€"), ("%2525", "%25"),
        ("plus+plus", "plus+plus"), ("info/level/content", "info/level/content"),
    ])
    func `a name is decoded once`(path: String, name: String) async throws {
        try await TestDepot.run(replicas: 1) { depot in
            let body = ByteBuffer(string: "bytes of \(name)")
            let put = try await depot.http.call(.PUT, "/v1/files/\(path)?level=1", body: [body])
            #expect(put.status == 201, "\(String(buffer: put.body))")
            #expect(try await depot.catalog.file(FileName(name)).size == UInt64(body.readableBytes))
            #expect(try await depot.content(path).body == body)
            #expect(try await depot.info(path).file.name.text == name)
            #expect(try await depot.http.call(.DELETE, "/v1/files/\(path)").status == 204)
            #expect(try await depot.content(path).status == 404)
        }
    }

    @Test(arguments: ["level=0", "level=33", "level=x", "level=1&level=2", "level=1&requireAll=y"])
    func `parameters that make no sense are refused`(query: String) async throws {
        try await TestDepot.run(replicas: 1) { depot in
            let answer = try await depot.http.call(
                .PUT, "/v1/files/a?\(query)", body: [ByteBuffer(string: "x")])
            #expect(answer.error?.code == .invalidArgument)
            #expect(answer.status == 400)
        }
    }

    @Test func `a file is put as it is, cut here, and asked for with 100-continue`() async throws {
        try await TestDepot.run { depot in
            let data = TestDepositor.data(10 << 20, seed: 60)
            let put = try await depot.http.call(
                .PUT, "/v1/files/big?level=3", body: [data], waitsForInvitation: true)
            #expect(put.wasInvited)
            #expect(put.status == 201)
            let receipt = try put.json(ReceiptBody.self)
            #expect(receipt.size == 10 << 20)
            #expect(receipt.copies == 3)
            #expect(receipt.chunks > 5)
            for replica in depot.replicas { replica.losePower() }
            #expect(try await depot.content("big").body == data)
            var again = TestDepositor.data(1_000, seed: 61)
            again.writeImmutableBuffer(data)
            let shifted = try await depot.http.call(.PUT, "/v1/files/shifted", body: [again])
            #expect(try shifted.json(ReceiptBody.self).newChunks < 4)
            let refused = try await HTTPCaller(port: depot.http.port, token: nil).call(
                .PUT, "/v1/files/x", body: [data], waitsForInvitation: true)
            #expect(refused.status == 401)
            #expect(!refused.wasInvited)
        }
    }

    @Test(arguments: [5_000_000, -2])
    func `a body that is cut short publishes nothing`(declared: Int) async throws {
        try await TestDepot.run(replicas: 1) { depot in
            // With a length, and in chunks of HTTP's, whose end never comes.
            let headers = declared > 0 ? [] : [("Transfer-Encoding", "chunked")]
            let answer = try? await depot.http.call(
                .PUT, "/v1/files/cut?level=1", headers: headers,
                body: [TestDepositor.data(3_000_000, seed: 62)],
                declared: declared > 0 ? declared : -2)
            #expect(answer?.status != 201)
            let content = try await depot.content("cut")
            #expect(content.status == 404)
        }
    }

    @Test func `bodies over their limit are refused without being read`() async throws {
        try await TestDepot.run(replicas: 1) { depot in
            let large = ByteBuffer(repeating: 0x20, count: WireLimits.bodyBytesMax + 1)
            let answer = try await depot.http.call(.POST, "/v1/deposits", body: [large])
            #expect(answer.status == 413)
            let depositor = TestDepositor(depot)
            _ = try await depositor.open(level: 1)
            let batch = try await depot.http.call(
                .PUT, "/v1/deposits/\(depositor.deposit)/chunks",
                body: [ByteBuffer(repeating: 0, count: 9 << 20)])
            #expect(batch.status == 413)
            let noise = try await depot.http.call(
                .PUT, "/v1/deposits/\(depositor.deposit)/chunks",
                body: [ByteBuffer(repeating: 7, count: 1_000)])
            #expect(noise.error?.code == .invalidArgument)
            let bad = try await depot.http.call(
                .POST, "/v1/deposits", body: [ByteBuffer(string: "{\"level\": 3")])
            #expect(bad.error?.code == .invalidArgument)
        }
    }

    @Test func `lists come in pages`() async throws {
        try await TestDepot.run(replicas: 1) { depot in
            for name in ["a/1", "a/2", "a/3", "b"] {
                _ = try await depot.http.call(
                    .PUT, "/v1/files/\(name)?level=1", body: [ByteBuffer(string: name)])
            }
            let first = try await depot.http.call(.GET, "/v1/files?prefix=a%2F&limit=2")
                .json(FileListBody.self)
            #expect(first.files.map(\.name.text) == ["a/1", "a/2"])
            #expect(first.hasMore)
            let rest = try await depot.http.call(.GET, "/v1/files?prefix=a/&after=a/2&limit=2")
                .json(FileListBody.self)
            #expect(rest.files.map(\.name.text) == ["a/3"])
            #expect(!rest.hasMore)
            let status = try await depot.status()
            #expect(status.files == 4)
            #expect(status.replicas[0].state == .up)
        }
    }
}
