import DepotCore
import DepotTestSupport
import DepotWire
import NIOCore
import NIOHTTP1
import Testing

@testable import DepotServer

/// What one request may have: at the limit it is carried out, and one above it is refused, with the
/// status that says so. Limits of time, memory and places have tests of their own, see Limits.md.
@Suite(.timeLimit(.minutes(2))) struct LimitTests {
    /// A request with so many of something.
    struct Limit: Sendable, CustomTestStringConvertible {
        struct Request {
            var method = HTTPMethod.GET
            var path: String
            var headers: [(String, String)] = []
            var body: [ByteBuffer] = []
        }

        let testDescription: String
        let bound: Int
        let within: Int
        let above: Int
        let request: @Sendable (Int) throws -> Request

        init(
            _ name: String, _ bound: Int, within: Int = 200, above: Int = 400,
            _ request: @escaping @Sendable (Int) throws -> Request
        ) {
            testDescription = name
            (self.bound, self.within, self.above) = (bound, within, above)
            self.request = request
        }
    }

    private static let deposit = DepositID.random()
    /// Those that the caller of tests sends of its own with a GET.
    private static let ownFields = 3

    private static func text(_ length: Int) -> String { String(repeating: "a", count: length) }

    private static func post(_ path: String, _ body: ByteBuffer) -> Limit.Request {
        Limit.Request(method: .POST, path: path, body: [body])
    }

    private static func put(_ path: String, _ headers: [(String, String)] = []) -> Limit.Request {
        Limit.Request(method: .PUT, path: path, headers: headers, body: [ByteBuffer(string: "x")])
    }

    private static func objects(_ count: Int, of length: Int) -> [VerifiedObject] {
        (0..<count).map { number in
            VerifiedObject(hashing: TestDepositor.data(length, seed: UInt64(number + 1)))
        }
    }

    private static func token(name: String, prefixes: [FileName]) throws -> Limit.Request {
        let body = NewTokenBody(
            name: try TokenName("t"), scope: .read, prefixes: prefixes, expires: nil,
            digest: try AccessToken(text(64)).digest)
        let json = String(buffer: try WireJSON.encode(body))
        return post(
            "/v1/tokens",
            ByteBuffer(string: json.replacing("\"name\":\"t\"", with: "\"name\":\"\(name)\"")))
    }

    static let heads = [
        Limit("bytes of a target", 8 << 10, above: 414) { count in
            let start = "/v1/files?prefix="
            return .init(path: start + text(count - start.utf8.count))
        },
        Limit("fields of a head", 100, above: 431) { count in
            .init(path: "/v1/files", headers: (0..<count - ownFields).map { ("x-\($0)", "y") })
        },
        Limit("bytes of a head's fields", 16 << 10, above: 431) { count in
            // Each counts four bytes beside its name and its value.
            let own = 4 + 5 + 4 + 10 + 5 + 4 + 13 + 7 + TestDepot.token.utf8.count + 4
            return .init(path: "/v1/files", headers: [("x", text(count - own - 5))])
        },
        Limit("entries of a page", WireLimits.pageEntriesMax) { count in
            .init(path: "/v1/files?limit=\(count)")
        },
        Limit("entries of a folder's page", 200) { count in
            .init(path: "/v1/folders?limit=\(count)")
        },
        Limit("days of coverage", 3_650) { count in .init(path: "/v1/coverage?days=\(count)") },
        Limit("bytes of a file's name", Limits.fileNameSizeMax, within: 201) { count in
            put("/v1/files/\(text(count))?level=1")
        },
        // As many replicas there are not here; a level is refused before anybody counts them.
        Limit("copies", Limits.levelMax, within: 503) { count in put("/v1/files/f?level=\(count)")
        },
        Limit("bytes of a content type", Limits.contentTypeSizeMax, within: 201) { count in
            put("/v1/files/t?level=1", [("Content-Type", text(count))])
        },
    ]

    static let bodies = [
        Limit("bytes of a body that is read whole", WireLimits.bodyBytesMax, above: 413) { count in
            var body = try WireJSON.encode(
                OpenDepositBody(deposit: deposit, level: .one, requireAll: false))
            body.writeRepeatingByte(UInt8(ascii: " "), count: count - body.readableBytes)
            return post("/v1/deposits", body)
        },
        Limit("entries of a list", WireLimits.listEntriesMax, above: 413) { count in
            var list = ByteBuffer()
            for number in 0..<count {
                list.writeRepeatingByte(7, count: 28)
                list.writeInteger(UInt32(number))
                list.writeInteger(UInt32(100))
            }
            return post("/v1/deposits/\(deposit)/negotiation", list)
        },
        Limit("objects of a batch", WireLimits.batchObjectsMax, above: 413) { count in
            .init(
                method: .PUT, path: "/v1/deposits/\(deposit)/chunks",
                body: TestDepositor.frames(objects(count, of: 8)))
        },
        Limit(
            "bytes of a batch, with room for the headers of as many objects as one may have",
            WireLimits.batchBytesMax + WireLimits.batchObjectsMax * ObjectFrame.headerSize,
            above: 413
        ) { count in
            let rest = count - 2 * ObjectFrame.headerSize - (4 << 20)
            let parts = objects(1, of: 4 << 20) + objects(1, of: rest)
            return .init(
                method: .PUT, path: "/v1/deposits/\(deposit)/chunks",
                body: TestDepositor.frames(parts))
        },
        Limit("bytes of a policy's prefix", 1_010) { count in
            let policy = try WireJSON.encode(PolicyBody(VersionPolicy(days: 1, last: 1)))
            return .init(
                method: .PUT, path: "/v1/policies?prefix=\(text(count))", body: [policy])
        },
        Limit("bytes of a chunk", Limits.chunkSizeMax) { count in
            var header = ByteBuffer()
            let content = TestDepositor.data(count, seed: 5)
            ObjectFrame(
                id: .chunk(ChunkID(hashing: content)), status: .present, length: count, replica: nil
            ).write(to: &header)
            return .init(
                method: .PUT, path: "/v1/deposits/\(deposit)/chunks", body: [header, content])
        },
        Limit("files of a commit", WireLimits.commitFilesMax, above: 413) { count in
            let files = try (0..<count).map {
                FileProposal(
                    name: try FileName("c/\($0)"), manifest: .empty, size: 0,
                    metadata: FileMetadata())
            }
            return post(
                "/v1/deposits/\(deposit)/commits", try WireJSON.encode(CommitBody(files: files)))
        },
        Limit("files of a retrieval", WireLimits.retrievalFilesMax, above: 413) { count in
            let names = try (0..<count).map { try FileName("r/\($0)") }
            return post(
                "/v1/retrievals",
                try WireJSON.encode(OpenRetrievalBody(retrieval: .random(), names: names)))
        },
        Limit("bytes of a token's name", TokenName.lengthMax) { count in
            try token(name: text(count), prefixes: [])
        },
        Limit("prefixes of a token", NameReach.rootsMax) { count in
            try token(name: "p", prefixes: (0..<count).map { try FileName("p\($0)") })
        },
    ]

    @Test(arguments: heads + bodies)
    func `what is within its limit is carried out, and one above is refused`(
        limit: Limit
    ) async throws {
        try await TestDepot.run(replicas: 1) { depot in
            if limit.testDescription != "bytes of a body that is read whole" {
                _ = try await TestDepositor(depot, deposit: Self.deposit).open(level: 1)
            }
            for (count, status) in [(limit.bound, limit.within), (limit.bound + 1, limit.above)] {
                let request = try limit.request(count)
                let answer = try await depot.http.call(
                    request.method, request.path, headers: request.headers, body: request.body)
                #expect(answer.status == status, "\(count): \(answer.error?.message ?? "")")
            }
        }
    }
}
