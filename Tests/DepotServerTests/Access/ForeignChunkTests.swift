import DepotCore
import DepotTestSupport
import DepotWire
import NIOCore
import Testing

@testable import DepotServer

/// An id is no key, and tells nothing of what others have.
@Suite(.timeLimit(.minutes(2))) struct ForeignChunkTests {
    private static let size = 45_000

    /// Somebody has a file of five chunks, and of a sixth alone; a thief reaches other names.
    private static func run(
        _ scope: AccessScope = .write,
        _ test: (TestDepot, _ thief: TestDepositor, _ theirs: VictimFile) async throws -> Void
    ) async throws {
        try await TestDepot.run { depot in
            let data = TestDepositor.data(size, seed: 1)
            let receipt = try await TestDepositor(depot).deposit("theirs/file", data, level: 3)
            let small = TestDepositor.data(500, seed: 2)
            try await TestDepositor(depot).deposit("theirs/small", small, level: 3)
            let token = try await depot.token("thief", scope, prefixes: ["mine"])
            let file = try TestDepositor.file(data)
            try await test(
                depot, TestDepositor(depot, showing: token),
                VictimFile(
                    chunks: file.chunks, manifest: file.manifest, receipt: receipt,
                    small: VerifiedObject(hashing: small)))
        }
    }

    struct VictimFile {
        let chunks: [VerifiedObject]
        let manifest: FinishedManifest
        let receipt: ReceiptBody
        let small: VerifiedObject

        var all: [VerifiedObject] { chunks + manifest.objects + [small] }
    }

    private static let unknown = (0..<3).map {
        VerifiedObject(hashing: TestDepositor.data(10_000, seed: 100 + UInt64($0)))
    }

    private static func names(_ objects: [VerifiedObject]) -> [ChunkReference] {
        objects.map { ChunkReference($0) }
    }

    @Test func `what others have is lacking, as what nobody has is`() async throws {
        try await Self.run { depot, thief, theirs in
            _ = try await thief.open(level: 2)
            let named = theirs.all + Self.unknown
            #expect(try await thief.negotiate(named) == Self.names(named))
            // Nor does naming it twice, or in another request, change that.
            #expect(try await thief.negotiate(named + named) == Self.names(named))
            #expect(
                try TestDepositor.lacking(await thief.barrier(named)) == Self.names(named))
        }
    }

    @Test func `a wrong length of theirs is as good as one of nobody's`() async throws {
        try await Self.run { depot, thief, theirs in
            _ = try await thief.open(level: 2)
            let wrong = try (theirs.all + Self.unknown).map {
                try ChunkReference(id: $0.id.hash, length: $0.length + 1)
            }
            for question in ["negotiation", "barrier"] {
                let answer = try await thief.http.call(
                    .POST, "\(FileServerRoute.deposits)/\(thief.deposit)/\(question)",
                    body: [WireList.encode(wrong)])
                #expect(try TestDepositor.lacking(answer) == wrong)
            }
        }
    }

    @Test(arguments: [true, false])
    func `nothing of theirs can be committed by its id`(_ isDurable: Bool) async throws {
        try await Self.run { depot, thief, theirs in
            _ = try await thief.open(level: 2)
            _ = try await thief.negotiate(theirs.all)
            _ = try await thief.barrier(theirs.all)
            let answer = try await thief.commit(
                "mine/stolen", theirs.manifest, makingDurable: isDurable
            ).json(CommitAnswerBody.self)
            // Not even of what their manifest consists.
            let manifest = try #require(theirs.manifest.objects.last)
            #expect(answer.results[0].lacking == [ChunkReference(manifest)])
            let small = CommitBody.File(
                name: try FileName("mine/small"),
                manifest: ManifestReference(inline: ChunkReference(theirs.small)),
                size: UInt64(theirs.small.length), metadata: FileMetadata())
            let wrong = CommitBody.File(
                name: try FileName("mine/wrong"),
                manifest: ManifestReference(
                    inline: try ChunkReference(id: theirs.small.id.hash, length: 7)),
                size: 7, metadata: FileMetadata())
            for file in [small, wrong] {
                let answer = try await thief.http.call(
                    .POST,
                    "\(FileServerRoute.deposits)/\(thief.deposit)/commits?durable=\(isDurable)",
                    body: [try WireJSON.encode(CommitBody(files: [file]))]
                ).json(CommitAnswerBody.self)
                #expect(answer.results[0].lacking == file.manifest.chunk.map { [$0] })
            }
            #expect(
                try await depot.http.call(.GET, "/v1/files?prefix=mine").json(
                    FileListBody.self
                ).files.isEmpty)
        }
    }

    @Test func `with their manifest, but not their chunks, nothing is committed`() async throws {
        try await Self.run { depot, thief, theirs in
            _ = try await thief.open(level: 2)
            #expect(try await thief.upload(theirs.manifest.objects).status == 200)
            #expect(
                try TestDepositor.lacking(
                    await thief.barrier(theirs.manifest.objects + theirs.chunks))
                    == Self.names(theirs.chunks))
            let answer = try await thief.commit("mine/stolen", theirs.manifest)
                .json(CommitAnswerBody.self)
            #expect(Set(answer.results[0].lacking ?? []) == Set(Self.names(theirs.chunks)))
        }
    }

    @Test func `other bytes under their id are refused, though they are there`() async throws {
        try await Self.run { depot, thief, theirs in
            _ = try await thief.open(level: 2)
            _ = try await thief.negotiate([theirs.small])
            var frame = ByteBuffer()
            ObjectFrame(id: theirs.small.id, status: .present, length: 500, replica: nil)
                .write(to: &frame)
            frame.writeRepeatingByte(7, count: 500)
            let answer = try await thief.http.call(
                .PUT, "\(FileServerRoute.deposits)/\(thief.deposit)/chunks", body: [frame])
            #expect(answer.error?.code == .hashMismatch)
            #expect(
                try TestDepositor.lacking(await thief.barrier([theirs.small]))
                    == Self.names([theirs.small]))
        }
    }

    /// Whoever has the content may deposit it, and learns from nothing that others have it.
    @Test(arguments: [false, true])
    func `who sends all of it gets a receipt as for new content`(_ isKnown: Bool) async throws {
        try await Self.run { depot, thief, theirs in
            let data = TestDepositor.data(Self.size, seed: isKnown ? 1 : 3)
            let receipt = try await thief.deposit("mine/own", data, level: 2)
            #expect(receipt.copies == 2 && receipt.newChunks == 5 && receipt.chunks == 5)
            #expect(receipt.newBytes == UInt64(Self.size) && receipt.sharedBytes == 0)
            let info = try await thief.http.call(.GET, "/v1/files/mine/own/info")
                .json(FileInfoBody.self)
            #expect(info.chunks.count == 6)
            for chunk in info.chunks { #expect(chunk.holdings.count == 2 && chunk.target == 2) }
            let put = try await thief.http.call(.PUT, "/v1/files/mine/put?level=1", body: [data])
                .json(ReceiptBody.self)
            #expect(put.copies == 1)
            let plan = try await thief.http.call(
                .POST, "/v1/files/mine/own/level",
                body: [
                    try WireJSON.encode(
                        ChangeLevelBody(level: try ReplicationLevel(1), planOnly: true))
                ]
            ).json(LevelChangeBody.self)
            #expect(plan.pinned == 0 && plan.dropped == 0 && plan.replicas.isEmpty)
        }
    }

    @Test func `what the own files use need not be sent again`() async throws {
        try await Self.run { depot, thief, theirs in
            try await thief.deposit("mine/own", TestDepositor.data(Self.size, seed: 3), level: 2)
            let own = try TestDepositor.file(TestDepositor.data(Self.size, seed: 3))
            let again = TestDepositor(depot, showing: thief.http.token)
            _ = try await again.open(level: 2)
            #expect(try await again.negotiate(own.chunks).isEmpty)
            #expect(try TestDepositor.lacking(await again.barrier(own.chunks)).isEmpty)
            let receipt = try await TestDepositor(depot, showing: thief.http.token)
                .deposit("mine/again", TestDepositor.data(Self.size, seed: 3), level: 2)
            #expect(receipt.newChunks == 0 && receipt.sharedBytes == UInt64(Self.size))
        }
    }

    @Test func `a retrieval reads the chunks of its files alone`() async throws {
        try await Self.run { depot, thief, theirs in
            let own = try TestDepositor.file(TestDepositor.data(Self.size, seed: 3))
            try await thief.deposit("mine/own", TestDepositor.data(Self.size, seed: 3), level: 2)
            let retrieval = RetrievalID.random()
            let opened = try await thief.http.call(
                .POST, FileServerRoute.retrievals,
                body: [
                    try WireJSON.encode(
                        OpenRetrievalBody(
                            retrieval: retrieval, names: [try FileName("mine/own")]))
                ])
            #expect(opened.status == 200)
            let asked = own.chunks + own.manifest.objects + theirs.all + Self.unknown
            let answer = try await thief.http.call(
                .POST, "\(FileServerRoute.retrievals)/\(retrieval)/chunks",
                body: [
                    WireList.encode(asked.map { ReadRequest(chunk: ChunkReference($0), avoid: []) })
                ])
            var parser = ObjectFrameParser()
            parser.append(answer.body)
            var present: Set<ObjectID> = []
            while let event = try parser.next() {
                if case .begin(let frame) = event, frame.status == .present {
                    present.insert(frame.id)
                }
            }
            #expect(present == Set((own.chunks + own.manifest.objects).map(\.id)))
        }
    }

    @Test func `names in bodies are compared with the reach`() async throws {
        try await Self.run { depot, thief, theirs in
            _ = try await thief.open(level: 2)
            #expect(try await thief.commit("theirs/new", theirs.manifest).status == 403)
            #expect(
                try await thief.commit(["mine/a", "theirs/file"], theirs.manifest).status == 403)
            let opened = try await thief.http.call(
                .POST, FileServerRoute.retrievals,
                body: [
                    try WireJSON.encode(
                        OpenRetrievalBody(
                            retrieval: .random(),
                            names: [try FileName("theirs/file"), try FileName("theirs/none")]))
                ])
            #expect(opened.status == 403)
            let proof = try await thief.http.call(
                .POST, FileServerRoute.receipts, body: [try WireJSON.encode(theirs.receipt)])
            #expect(proof.status == 403)
        }
    }

    @Test func `a list has the names within reach, page after page`() async throws {
        try await TestDepot.run { depot in
            for name in ["a", "a-b", "a/1", "a/2", "a/3/x", "ab", "b", "c/1", "c/2", "d/1"] {
                try await TestDepositor(depot).deposit(
                    name, TestDepositor.data(10, seed: 1), level: 1)
            }
            let token = try await depot.token("x", .read, prefixes: ["a", "c", "d/1"])
            for (prefix, expected) in [
                ("", ["a", "a/1", "a/2", "a/3/x", "c/1", "c/2", "d/1"]), ("a/3", ["a/3/x"]),
                ("b", []), ("c/", ["c/1", "c/2"]), ("d", ["d/1"]),
            ] {
                for limit in [1, 2, 3, 100] {
                    var (names, after): ([String], String?) = ([], nil)
                    while true {
                        let path =
                            "/v1/files?limit=\(limit)&prefix=\(prefix)"
                            + (after.map { "&after=\($0)" } ?? "")
                        let page = try await depot.showing(token).call(.GET, path)
                            .json(FileListBody.self)
                        #expect(page.files.count <= limit)
                        names += page.files.map(\.name.text)
                        guard page.hasMore, let last = page.next ?? page.files.last?.name else {
                            break
                        }
                        after = last.text
                    }
                    #expect(names == expected, "\(prefix) \(limit)")
                }
            }
        }
    }

    /// What a client on a machine has that may be taken over.
    @Test func `an appending token adds names and takes nothing away`() async throws {
        try await TestDepot.run { depot in
            let data = TestDepositor.data(Self.size, seed: 1)
            let token = try await depot.token("backup", .append)
            let first = try await TestDepositor(depot, showing: token)
                .deposit("kept", data, level: 3)
            let put = depot.showing(token)
            #expect(try await put.call(.PUT, "/v1/files/put?level=1", body: [data]).status == 201)
            let other = TestDepositor.data(Self.size, seed: 2)
            let file = try TestDepositor.file(other)
            for deposit in [true, false] {
                let again = TestDepositor(depot, showing: token)
                _ = try await again.open(level: 1)
                _ = try await again.upload(file.chunks + file.manifest.objects)
                _ = try await again.barrier(file.chunks + file.manifest.objects)
                if deposit {
                    let answer = try await again.commit("kept", file.manifest)
                        .json(CommitAnswerBody.self)
                    #expect(answer.results[0].error?.code == .conflict)
                } else {
                    let answer = try await put.call(.PUT, "/v1/files/kept", body: [other])
                    #expect(answer.status == 412)
                }
            }
            let paths: [(String, String)] = [
                ("DELETE", "/v1/files/kept"), ("POST", "/v1/files/kept/level"),
                ("POST", "/v1/files/kept/revert"), ("POST", "/v1/files/kept/lock"),
                ("POST", "/v1/files/kept/purge"),
            ]
            for (method, path) in paths {
                #expect(try await put.call(.init(rawValue: method), path).status == 403, "\(path)")
            }
            let info = try await depot.info("kept").file
            #expect(info.sequence == first.sequence && info.level.copies == 3)
            // Asked again, the same commit has the same receipt.
            let body = try await put.call(.GET, "/v1/files/kept/content").body
            #expect(body == data)
        }
    }

    @Test func `only an administrator releases a hold`() async throws {
        try await TestDepot.run { depot in
            try await TestDepositor(depot).deposit(
                "kept", TestDepositor.data(10, seed: 1), level: 1)
            let writer = depot.showing(try await depot.token("writer", .write))
            func lock(_ isHeld: Bool, _ caller: HTTPCaller) async throws -> Int {
                let change = try LockChange(until: nil, isHeld: isHeld)
                return try await caller.call(
                    .POST, "/v1/files/kept/lock",
                    body: [try WireJSON.encode(LockRequestBody(sequence: nil, change))]
                ).status
            }
            #expect(try await lock(true, writer) == 200)
            #expect(try await lock(false, writer) == 403)
            #expect(try await lock(false, depot.http) == 200)
        }
    }
}
