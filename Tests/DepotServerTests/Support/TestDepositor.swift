import DepotCore
import DepotWire
import NIOCore
import Testing

/// A client that deposits step by step, so that tests can do things between the steps.
struct TestDepositor: Sendable {
    let depot: TestDepot
    let deposit: DepositID
    let http: HTTPCaller

    /// - Parameter token: the administrator's otherwise.
    init(_ depot: TestDepot, deposit: DepositID = .random(), showing token: String? = nil) {
        self.depot = depot
        self.deposit = deposit
        http = token.map { depot.showing($0) } ?? depot.http
    }

    static func data(_ size: Int, seed: UInt64) -> ByteBuffer {
        var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        let words = (0..<(size + 7) / 8).map { _ in
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
        var buffer = words.withUnsafeBytes { ByteBuffer(bytes: $0) }
        return buffer.readSlice(length: size) ?? buffer
    }

    /// A file cut into pieces of one length: where to cut is the client's affair.
    static func file(
        _ data: ByteBuffer, chunkSize: Int = 10_000
    ) throws -> (chunks: [VerifiedObject], manifest: FinishedManifest) {
        var rest = data
        var chunks: [VerifiedObject] = []
        var builder = ManifestBuilder()
        while let slice = rest.readSlice(length: min(chunkSize, rest.readableBytes)),
            slice.readableBytes > 0
        {
            let chunk = VerifiedObject(hashing: slice)
            _ = try builder.append(ChunkReference(chunk))
            chunks.append(chunk)
        }
        return (chunks, builder.finish())
    }

    func open(
        level: Int, requireAll: Bool = false
    ) async throws -> HTTPCaller.Answer {
        let body = OpenDepositBody(
            deposit: deposit, level: try ReplicationLevel(level), requireAll: requireAll)
        return try await http.call(
            .POST, FileServerRoute.deposits, body: [try WireJSON.encode(body)])
    }

    private var path: String { "\(FileServerRoute.deposits)/\(deposit)" }

    func negotiate(_ objects: [VerifiedObject]) async throws -> [ChunkReference] {
        try Self.lacking(
            try await http.call(
                .POST, "\(path)/negotiation",
                body: [WireList.encode(objects.map(ChunkReference.init))]))
    }

    func barrier(_ objects: [VerifiedObject]) async throws -> HTTPCaller.Answer {
        try await http.call(
            .POST, "\(path)/barrier", body: [WireList.encode(objects.map(ChunkReference.init))])
    }

    static func lacking(_ answer: HTTPCaller.Answer) throws -> [ChunkReference] {
        try #require(answer.status == 200, "\(answer.status) \(String(buffer: answer.body))")
        return try WireList.decode(LackingChunk.self, from: answer.body).map(\.chunk)
    }

    func upload(_ objects: [VerifiedObject]) async throws -> HTTPCaller.Answer {
        try await http.call(.PUT, "\(path)/chunks", body: Self.frames(objects))
    }

    static func frames(_ objects: [VerifiedObject]) -> [ByteBuffer] {
        objects.flatMap { object in
            var header = ByteBuffer()
            ObjectFrame(id: object.id, status: .present, length: object.length, replica: nil)
                .write(to: &header)
            return [header] + object.parts
        }
    }

    func commit(
        _ name: String, _ manifest: FinishedManifest, size: UInt64? = nil,
        makingDurable makesDurable: Bool = false
    ) async throws -> HTTPCaller.Answer {
        let file = CommitBody.File(
            name: try FileName(name), manifest: manifest.reference, size: size ?? manifest.size,
            metadata: FileMetadata())
        return try await http.call(
            .POST, "\(path)/commits?durable=\(makesDurable)",
            body: [try WireJSON.encode(CommitBody(files: [file]))])
    }

    /// The same content under several names, in one request.
    func commit(
        _ names: [String], _ manifest: FinishedManifest
    ) async throws -> HTTPCaller.Answer {
        let files = try names.map {
            CommitBody.File(
                name: try FileName($0), manifest: manifest.reference, size: manifest.size,
                metadata: FileMetadata())
        }
        return try await http.call(
            .POST, "\(path)/commits", body: [try WireJSON.encode(CommitBody(files: files))])
    }

    func close() async throws -> HTTPCaller.Answer { try await http.call(.DELETE, path) }

    /// The whole of it, as a client does it: what is lacking is sent again.
    @discardableResult
    func deposit(
        _ name: String, _ data: ByteBuffer, level: Int, requireAll: Bool = false
    ) async throws -> ReceiptBody {
        let file = try Self.file(data)
        let all = file.chunks + file.manifest.objects
        let opened = try await open(level: level, requireAll: requireAll)
        try #require(opened.status == 200, "\(String(buffer: opened.body))")
        var lacking = Set(try await negotiate(all).map(\.id))
        for _ in 0..<5 {
            let sending = all.filter { lacking.contains($0.id.hash) }
            if !sending.isEmpty {
                let stored = try await upload(sending)
                try #require(stored.status == 200, "\(String(buffer: stored.body))")
            }
            // A file of one chunk passes its barrier with the commit.
            let isInline = file.manifest.reference.isInline
            if !isInline {
                lacking = Set(try Self.lacking(try await barrier(all)).map(\.id))
                guard lacking.isEmpty else { continue }
            }
            let answer = try await commit(name, file.manifest, makingDurable: isInline)
            let result = try #require(try answer.json(CommitAnswerBody.self).results.first)
            if let again = result.lacking {
                lacking = Set(again.map(\.id))
                continue
            }
            let receipt = try #require(result.receipt, "\(String(buffer: answer.body))")
            #expect(try await close().status == 204)
            return receipt
        }
        throw DepotError(.conflict, "lacking again and again")
    }
}

extension TestDepot {
    /// The same content under several names, in one commit.
    func deposit(together names: [String], _ data: ByteBuffer, level: Int) async throws {
        let client = TestDepositor(self)
        let file = try TestDepositor.file(data)
        let all = file.chunks + file.manifest.objects
        #expect(try await client.open(level: level).status == 200)
        _ = try await client.negotiate(all)
        #expect(try await client.upload(all).status == 200)
        #expect(try TestDepositor.lacking(try await client.barrier(all)).isEmpty)
        let answer = try await client.commit(names, file.manifest)
        let results = try answer.json(CommitAnswerBody.self).results
        try #require(results.allSatisfy { $0.receipt != nil })
        #expect(try await client.close().status == 204)
    }

    @discardableResult
    func deposit(
        _ name: String, _ data: ByteBuffer, level: Int, requireAll: Bool = false
    ) async throws -> ReceiptBody {
        try await TestDepositor(self).deposit(name, data, level: level, requireAll: requireAll)
    }

    func content(_ name: String) async throws -> HTTPCaller.Answer {
        try await http.call(.GET, "/v1/files/\(name)/content")
    }

    func changeLevel(
        _ name: String, _ level: Int, planOnly: Bool = false
    ) async throws -> HTTPCaller.Answer {
        let body = ChangeLevelBody(level: try ReplicationLevel(level), planOnly: planOnly)
        return try await http.call(
            .POST, "/v1/files/\(name)/level", body: [try WireJSON.encode(body)])
    }
}
