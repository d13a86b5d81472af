import DepotCore
import DepotWire
import HummingbirdCore
import NIOCore

extension FileServerRoutes {
    func deposit(_ endpoint: Endpoint, _ body: IncomingBody) async throws -> Response {
        switch endpoint {
        case .openDeposit:
            let opening = try await body.decode(OpenDepositBody.self)
            return try Response(json: try await parts.deposits.open(opening))
        case .negotiate(let deposit):
            let chunks = try await body.list(of: ChunkReference.self)
            return lacking(try await parts.deposits.negotiate(deposit, chunks))
        case .upload(let deposit):
            return try await upload(deposit, body)
        case .barrier(let deposit):
            let chunks = try await body.list(of: ChunkReference.self)
            return lacking(try await parts.deposits.barrier(deposit, chunks))
        case .commit(let deposit):
            return try await commit(deposit, body)
        case .closeDeposit(let deposit):
            try await parts.deposits.close(deposit)
            return .noContent
        default:
            throw DepotError(.internalError, "not a deposit's endpoint")
        }
    }

    private func lacking(_ chunks: [ChunkReference]) -> Response {
        Response(binary: WireList.encode(chunks.map { LackingChunk($0) }))
    }

    private func commit(_ deposit: DepositID, _ body: IncomingBody) async throws -> Response {
        let commit = try await body.decode(CommitBody.self)
        guard commit.files.count <= WireLimits.commitFilesMax else {
            throw DepotError(
                .tooLarge,
                "one commit takes \(WireLimits.commitFilesMax) files, found \(commit.files.count)")
        }
        let results = try await parts.deposits.commit(deposit, commit.files)
        return try Response(json: CommitAnswerBody(results: results))
    }

    /// Passes objects on as they arrive.
    private func upload(_ deposit: DepositID, _ body: IncomingBody) async throws -> Response {
        let declared = Int(clamping: body.declared ?? UInt64(WireLimits.batchBytesMax))
        let reservation = try await parts.budget.reserve(min(declared, WireLimits.batchBytesMax))
        defer { withExtendedLifetime(reservation) {} }
        var upload = try await parts.deposits.upload(to: deposit)
        do {
            let objects = try await receive(body, &upload)
            try await parts.deposits.finish(&upload)
            return try Response(json: StoredBody(objects: objects))
        } catch {
            upload.cancel()
            throw error
        }
    }

    private func receive(
        _ body: IncomingBody, _ upload: inout UploadFanout
    ) async throws -> Int {
        var parser = ObjectFrameParser()
        var objects = 0
        while let part = try await body.next() {
            try Self.refuse(larger: Self.bodyBytesMax, body)
            parser.append(part)
            while let event = try parser.next() {
                switch event {
                case .begin(let frame):
                    objects += 1
                    try await parts.deposits.begin(try Self.chunk(frame), in: &upload)
                case .content(let bytes):
                    upload.write(bytes)
                case .end:
                    break
                }
            }
            upload.flush()
        }
        try parser.finish()
        return objects
    }

    /// A batch with its frames.
    private static let bodyBytesMax =
        WireLimits.batchBytesMax + WireLimits.batchObjectsMax * ObjectFrame.headerSize

    private static func refuse(larger limit: Int, _ body: IncomingBody) throws(DepotError) {
        guard max(body.received, body.declared ?? 0) > UInt64(limit) else { return }
        throw DepotError(
            .tooLarge, "a batch has at most \(WireLimits.batchBytesMax) bytes of content")
    }

    private static func chunk(_ frame: ObjectFrame) throws(DepotError) -> ChunkReference {
        guard frame.id.kind == .chunk, frame.status == .present else {
            throw DepotError(
                .invalidArgument, "a deposit takes chunks only", object: frame.id.hash.hex)
        }
        return try ChunkReference(id: frame.id.hash, length: frame.length)
    }
}
