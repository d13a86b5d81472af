import DepotCluster
import DepotCore
import DepotWire
import NIOCore

/// One file on its way in: what is cut of it, what waits to be sent, and the manifest that grows.
struct FileUploadSession {
    /// Content of one batch.
    private static let batchBytes = WireLimits.batchBytesMax
    /// So often is a batch sent again of which a barrier found too few copies.
    private static let roundsMax = 3
    /// A batch that was begun so long ago is sent on where others wait for memory.
    private static let lingerMax = Duration.milliseconds(500)

    private let service: DepositService
    private let chunkSizeMax: Int
    private let deposit: DepositID
    /// Of whoever deposits it.
    private let reach: NameReach
    private let loan: MemoryLoan
    private var chunker: StreamChunker
    private var builder = ManifestBuilder()
    private var batch: Batch

    /// Chunks that wait to be sent together, and pieces of the manifest among them.
    private struct Batch {
        var objects: [VerifiedObject] = []
        /// Bytes of the loan that the objects and their windows keep.
        var bytes = 0
        let began: Duration

        init(at now: Duration) { began = now }
    }

    /// - Parameter loan: the memory that the bytes are kept in; what was sent is given back to it.
    init(
        service: DepositService, chunker: ContentChunker, deposit: DepositID, reach: NameReach,
        loan: MemoryLoan
    ) {
        self.service = service
        chunkSizeMax = chunker.parameters.sizeMax
        self.deposit = deposit
        self.reach = reach
        self.loan = loan
        self.chunker = StreamChunker(chunker)
        batch = Batch(at: service.context.clock.elapsed())
    }

    /// Takes the file in to its end and brings all of it behind barriers.
    ///
    /// - Parameters:
    ///   - size: what the client declared, if it did: fewer bytes are an error.
    ///   - next: the next bytes, or `nil` at the end; it grows the loan.
    mutating func take(
        size: UInt64?, of name: FileName, next: () async throws -> ByteBuffer?
    ) async throws -> FinishedManifest {
        while true {
            if mustSend {
                // What is here goes on its way before more is taken in.
                try await cut(.certain)
                try await sendBatch()
            }
            guard let part = try await next() else { break }
            chunker.append(part)
            try await cut(.full)
        }
        try await cut(.over)
        if let size, builder.size != size {
            throw DepotError(
                .invalidArgument,
                "the body was cut short: \(size) bytes were declared, \(builder.size) came; "
                    + "nothing was published", object: name.text)
        }
        let finished = builder.finish()
        batch.objects += finished.objects
        try await sendBatch()
        return finished
    }

    /// Whether there is no memory for more, or it is wanted and this batch is slow.
    private var mustSend: Bool {
        if !loan.tryPrepare(MemoryLoan.partMax) { return true }
        return loan.isWanted
            && service.context.clock.elapsed() - batch.began > Self.lingerMax
    }

    private mutating func cut(
        _ readiness: StreamChunker.Readiness
    ) async throws(DepotError) {
        while let chunk = chunker.cut(readiness) { try await add(chunk) }
        let copied = chunker.takeCopied()
        loan.use(copied)
        batch.bytes += copied
    }

    private mutating func add(_ chunk: VerifiedObject) async throws(DepotError) {
        batch.objects.append(chunk)
        batch.bytes += chunk.length
        if let piece = try builder.append(ChunkReference(chunk)) { batch.objects.append(piece) }
        let bytes = batch.objects.reduce(0) { $0 + $1.length }
        guard
            bytes + chunkSizeMax > Self.batchBytes
                || batch.objects.count >= ChunkBatch.countMax / 2
        else { return }
        try await sendBatch()
    }

    private mutating func sendBatch() async throws(DepotError) {
        for part in ChunkBatch.cut(batch.objects, bytesMax: Self.batchBytes, length: \.length) {
            try await send(part)
        }
        loan.giveBack(batch.bytes)
        batch = Batch(at: service.context.clock.elapsed())
    }

    /// Brings objects to their holders and behind a barrier.
    private func send(_ objects: [VerifiedObject]) async throws(DepotError) {
        let known = Dictionary(objects.map { ($0.id.hash, $0) }) { first, _ in first }
        let chunks = known.values.map(ChunkReference.init)
        var lacking = try await service.negotiate(deposit, chunks, within: reach)
        for _ in 1...Self.roundsMax {
            if !lacking.isEmpty { try await upload(lacking, from: known) }
            lacking = try await service.barrier(deposit, chunks, within: reach)
            if lacking.isEmpty { return }
        }
        throw service.pool.notEnough(
            "\(lacking.count) chunks found too few replicas, after \(Self.roundsMax) attempts")
    }

    private func upload(
        _ chunks: [ChunkReference], from objects: [ChunkID: VerifiedObject]
    ) async throws(DepotError) {
        var upload = try await service.upload(to: deposit)
        do throws(DepotError) {
            for chunk in chunks {
                try await service.begin(chunk, in: &upload, within: reach)
                for part in objects[chunk.id]?.parts ?? [] { upload.write(part) }
            }
            try await service.finish(&upload)
        } catch {
            service.giveUp(upload)
            throw error
        }
    }

    /// Publishes the file.
    ///
    /// - Throws: `conflict` where the name is not as expected; `notEnoughReplicas`.
    func commit(
        _ finished: FinishedManifest, as name: FileName, metadata: FileMetadata,
        expecting expected: FileExpectation
    ) async throws(DepotError) -> ReceiptBody {
        let file = CommitBody.File(
            name: name, manifest: finished.reference, size: finished.size, metadata: metadata)
        let results = try await service.commit(
            deposit, [file], expecting: expected, within: reach)
        guard let result = results.first else {
            throw DepotError(.internalError, "a commit without a result", object: name.text)
        }
        if let receipt = result.receipt { return receipt }
        if let error = result.error {
            throw DepotError(error.code, error.message, object: error.object)
        }
        throw service.pool.notEnough(
            "\(result.lacking?.count ?? 0) chunks lost copies while the file was deposited; "
                + "deposit it again")
    }
}
