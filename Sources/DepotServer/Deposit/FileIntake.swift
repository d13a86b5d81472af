import DepotCore
import DepotWire
import NIOCore

// A plain HTTP client sends a file as it is; the FileServer cuts and hashes it here. Chunks stay in memory until
// their barrier was passed, so that a replica that loses what it had not yet synced costs nobody an upload.

/// Deposits one file from its bytes.
struct FileIntake: Sendable {
    /// Content of one batch.
    static let batchBytes = WireLimits.batchBytesMax
    /// So often is a batch sent again of which a barrier found too few copies.
    static let roundsMax = 3

    let service: DepositService
    let chunker: ContentChunker
    let budget: MemoryBudget

    /// A batch, whose chunks keep the windows alive that they were cut from, and the next window.
    static let bytesNeeded = 3 * batchBytes

    /// - Parameters:
    ///   - size: what the client declared, if it did: fewer bytes publish nothing.
    ///   - next: the next bytes, or `nil` at the end.
    func deposit(
        _ name: FileName, level: ReplicationLevel, requireAll: Bool, metadata: FileMetadata,
        size: UInt64?, next: () async throws -> ByteBuffer?
    ) async throws -> ReceiptBody {
        let deposit = DepositID.random()
        let reservation = try await budget.reserve(Self.bytesNeeded)
        defer { withExtendedLifetime(reservation) {} }
        try await service.open(deposit, level: level, requireAll: requireAll)
        do {
            let receipt = try await take(
                deposit, name, metadata: metadata, size: size, next: next)
            try await service.close(deposit)
            return receipt
        } catch {
            do throws(DepotError) {
                try await service.close(deposit)
            } catch {
                // The lease ends by itself.
            }
            throw error
        }
    }

    private func take(
        _ deposit: DepositID, _ name: FileName, metadata: FileMetadata, size: UInt64?,
        next: () async throws -> ByteBuffer?
    ) async throws -> ReceiptBody {
        var cutter = StreamCutter(chunker)
        var builder = ManifestBuilder()
        var batch: [VerifiedObject] = []
        while let part = try await next() {
            cutter.append(part)
            while let chunk = cutter.cut(isEnd: false) {
                try await add(chunk, &builder, &batch, deposit)
            }
        }
        while let chunk = cutter.cut(isEnd: true) {
            try await add(chunk, &builder, &batch, deposit)
        }
        if let size, builder.size != size {
            throw DepotError(
                .invalidArgument,
                "the body was cut short: \(size) bytes were declared, \(builder.size) came; "
                    + "nothing was published", object: name.text)
        }
        let finished = builder.finish()
        if let piece = finished.lastPiece { batch.append(piece) }
        batch.append(finished.object)
        for part in ChunkBatch.cut(batch, bytesMax: Self.batchBytes, length: \.length) {
            try await send(part, deposit)
        }
        return try await commit(finished, name, metadata, deposit)
    }

    private func add(
        _ chunk: VerifiedObject, _ builder: inout ManifestBuilder, _ batch: inout [VerifiedObject],
        _ deposit: DepositID
    ) async throws(DepotError) {
        batch.append(chunk)
        if let piece = try builder.append(ChunkReference(chunk)) { batch.append(piece) }
        let bytes = batch.reduce(0) { $0 + $1.length }
        guard
            bytes + chunker.parameters.sizeMax > Self.batchBytes
                || batch.count >= ChunkBatch.countMax / 2
        else { return }
        for part in ChunkBatch.cut(batch, bytesMax: Self.batchBytes, length: \.length) {
            try await send(part, deposit)
        }
        batch = []
    }

    /// Brings a batch to its holders and behind a barrier.
    private func send(_ batch: [VerifiedObject], _ deposit: DepositID) async throws(DepotError) {
        let objects = Dictionary(batch.map { ($0.id.hash, $0) }) { first, _ in first }
        let chunks = objects.values.map(ChunkReference.init)
        var lacking = try await service.negotiate(deposit, chunks)
        for _ in 1...Self.roundsMax {
            if !lacking.isEmpty {
                var upload = try await service.upload(to: deposit)
                do throws(DepotError) {
                    for chunk in lacking {
                        try await service.begin(chunk, in: &upload)
                        for part in objects[chunk.id]?.parts ?? [] { upload.write(part) }
                    }
                    try await service.finish(&upload)
                } catch {
                    upload.cancel()
                    throw error
                }
            }
            lacking = try await service.barrier(deposit, chunks)
            if lacking.isEmpty { return }
        }
        throw service.pool.notEnough(
            "\(lacking.count) chunks found too few replicas, after \(Self.roundsMax) attempts")
    }

    private func commit(
        _ finished: FinishedManifest, _ name: FileName, _ metadata: FileMetadata,
        _ deposit: DepositID
    ) async throws(DepotError) -> ReceiptBody {
        let file = CommitBody.File(
            name: name, manifest: finished.reference, size: finished.size, metadata: metadata)
        guard let result = try await service.commit(deposit, [file]).first else {
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
