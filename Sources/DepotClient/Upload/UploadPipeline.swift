import DepotCore
import DepotWire
import NIOCore

// One group of chunks is read, cut and hashed while the one before it is sent. Of a group only what the FileServer
// lacks is sent, in batches, several at a time. Now and then a barrier makes durable what was sent so far, so
// that a deposit that is interrupted and run again sends only the rest; files whose chunks are all behind a
// barrier are committed, many at once. What a barrier finds lacking is read again and sent again.

/// Deposits files, one or many, in one deposit.
public struct UploadPipeline: Sendable {
    /// Batches on their way at once: enough to keep a connection busy while the next answer is awaited.
    private static let batchesMax = 4
    /// A chunk that is lacking after so many tries is not going to be held.
    private static let roundsMax = 4

    public enum Event: Sendable {
        /// Bytes of content that have been read and dealt with, sent or known.
        case advanced(bytes: UInt64)
        case deposited(ReceiptBody)
        /// This file was not deposited; the others go on.
        case failed(FileName, DepotError)
    }

    private let door: any FileServerDoor
    private let threads: HashingThreads
    private let deposit: DepositID
    private let level: ReplicationLevel
    private let requireAll: Bool
    private let chunker: ContentChunker
    private let onEvent: @Sendable (Event) -> Void

    /// - Parameter chunks: how long chunks are: the same for all clients of a cluster.
    public init(
        door: any FileServerDoor, threads: HashingThreads, deposit: DepositID,
        level: ReplicationLevel, requireAll: Bool, chunks: ChunkerParameters = .default,
        onEvent: @escaping @Sendable (Event) -> Void
    ) {
        self.door = door
        self.threads = threads
        self.deposit = deposit
        self.level = level
        self.requireAll = requireAll
        chunker = ContentChunker(chunks)
        self.onEvent = onEvent
    }

    /// Deposits everything; what becomes of each file is told in events.
    ///
    /// - Throws: what ends the whole deposit.
    public func run(_ sources: [UploadSource]) async throws(DepotError) {
        try await open()
        let pipe = GroupPipe()
        let producer = Task { [threads, chunker] in
            var maker = GroupMaker(sources, chunker, threads)
            do throws(DepotError) {
                while let group = try await maker.next() {
                    guard await pipe.send(group) else { return }
                }
                await pipe.finish(nil)
            } catch {
                await pipe.finish(error)
            }
        }
        do throws(DepotError) {
            try await drain(pipe, of: sources)
        } catch {
            producer.cancel()
            await pipe.close()
            await letGo(after: error)
            throw error
        }
        // Everything has its receipt; the lease ends by itself.
        try? await door.closeDeposit(deposit)
    }

    /// What was sent of a deposit that is refused, such as for want of room, must not stay pinned until its lease ends.
    /// Where nobody answers, it ends by itself.
    private func letGo(after error: DepotError) async {
        guard error.code != .unreachable, error.code != .busy else { return }
        // The refusal is what counts.
        try? await door.closeDeposit(deposit)
    }

    private func drain(
        _ pipe: GroupPipe, of sources: [UploadSource]
    ) async throws(DepotError) {
        var pending = PendingChunks()
        while let group = try await Self.next(pipe) {
            for (index, error) in group.failures {
                fail(index, sources[index].name, error, &pending)
            }
            try await send(group)
            pending.add(group)
            onEvent(.advanced(bytes: group.bytes))
            if pending.isFull { try await settle(&pending, sources) }
        }
        try await settle(&pending, sources)
    }

    /// Does not wait for a stream that gives nothing once the task is cancelled.
    private static func next(_ pipe: GroupPipe) async throws(DepotError) -> UploadGroup? {
        let group: Result<UploadGroup?, DepotError> = await withTaskCancellationHandler {
            do throws(DepotError) {
                return .success(try await pipe.next())
            } catch {
                return .failure(error)
            }
        } onCancel: {
            Task { await pipe.finish(DepotError(.unreachable, "given up")) }
        }
        guard !Task.isCancelled else { throw DepotError(.unreachable, "given up") }
        return try group.get()
    }

    private func fail(
        _ index: Int, _ name: FileName, _ error: DepotError, _ pending: inout PendingChunks
    ) {
        if pending.giveUp(index) { onEvent(.failed(name, error)) }
    }

    private func open() async throws(DepotError) {
        _ = try await door.openDeposit(
            OpenDepositBody(deposit: deposit, level: level, requireAll: requireAll))
    }

    // MARK: Sending

    private func send(_ group: UploadGroup) async throws(DepotError) {
        var objects: [ChunkID: VerifiedObject] = [:]
        var references: [ChunkReference] = []
        for (object, chunk) in zip(group.objects, group.chunks)
        where objects.updateValue(object, forKey: chunk.reference.id) == nil {
            references.append(chunk.reference)
        }
        guard !references.isEmpty else { return }
        let lacking = try await leased { () throws(DepotError) in
            try await door.negotiate(deposit, references)
        }
        try await upload(lacking.compactMap { objects[$0.id] })
    }

    private func upload(_ objects: [VerifiedObject]) async throws(DepotError) {
        // Large chunks go alone, small ones together.
        let batches = objects.batches(
            sizeMax: WireLimits.batchBytesMax / 4, countMax: WireLimits.batchObjectsMax
        ) { $0.length }
        var next = 0
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                while next < batches.count || !group.isEmpty {
                    if next < batches.count, next < Self.batchesMax {
                        let batch = batches[next]
                        group.addTask { try await send(batch) }
                        next += 1
                        continue
                    }
                    try await group.next()
                    guard next < batches.count else { continue }
                    let batch = batches[next]
                    group.addTask { try await send(batch) }
                    next += 1
                }
            }
        } catch let error as DepotError {
            throw error
        } catch {
            throw DepotError(.unreachable, "given up", cause: error)
        }
    }

    private func send(_ batch: [VerifiedObject]) async throws(DepotError) {
        try await leased { () throws(DepotError) in try await door.upload(deposit, batch) }
    }

    /// A lease that ended, because the client slept, is opened again once; what it pinned is settled at the
    /// barrier, which finds out what is lacking.
    private func leased<Value: Sendable>(
        _ body: () async throws(DepotError) -> Value
    ) async throws(DepotError) -> Value {
        do throws(DepotError) {
            return try await body()
        } catch {
            guard error.code == .leaseEnded else { throw error }
        }
        try await open()
        return try await body()
    }

    // MARK: Settling

    /// Makes durable what is pending, and commits the files that are whole.
    private func settle(
        _ pending: inout PendingChunks, _ sources: [UploadSource]
    ) async throws(DepotError) {
        guard !pending.isEmpty else { return }
        var lacking = try await barrier(pending.references)
        for round in 1... {
            if !lacking.isEmpty {
                let again = try await resend(lacking, &pending, sources)
                lacking = again.isEmpty ? [] : try await barrier(again)
            }
            if lacking.isEmpty { lacking = try await commit(&pending, sources) }
            if lacking.isEmpty { break }
            guard round < Self.roundsMax else {
                throw DepotError(
                    .notEnoughReplicas,
                    "too few replicas hold it after \(round) tries; \(lacking.count) chunks in all. What was "
                        + "sent is not lost: run it again when more replicas are up",
                    object: lacking.first?.id.hex)
            }
        }
        pending.settled()
    }

    private func barrier(
        _ references: [ChunkReference]
    ) async throws(DepotError) -> [ChunkReference] {
        try await leased { () throws(DepotError) in try await door.barrier(deposit, references) }
    }

    /// - Returns: what is lacking; files that are done with are taken out.
    private func commit(
        _ pending: inout PendingChunks, _ sources: [UploadSource]
    ) async throws(DepotError) -> [ChunkReference] {
        var lacking: Set<ChunkReference> = []
        for page in pending.pages {
            let results = try await leased { () throws(DepotError) in
                try await door.commit(deposit, page.map(\.commit))
            }
            var finished: Set<Int> = []
            for (file, result) in zip(page, results) {
                if let receipt = result.receipt {
                    finished.insert(file.index)
                    onEvent(.deposited(receipt))
                } else if let error = result.error {
                    let error = DepotError(error.code, error.message, object: error.object)
                    fail(file.index, file.commit.name, error, &pending)
                } else if let lost = result.lacking?.first(where: { !pending.knows($0) }) {
                    fail(file.index, file.commit.name, Self.lost(lost), &pending)
                } else {
                    lacking.formUnion(result.lacking ?? [])
                }
            }
            pending.finish(finished)
        }
        return Array(lacking)
    }

    private static func lost(_ chunk: ChunkReference) -> DepotError {
        DepotError(
            .notEnoughReplicas,
            "a chunk of it was lost after it had been confirmed; run the deposit again",
            object: chunk.id.hex)
    }

    /// - Returns: what was sent. A file that is not any more what was read of it is given up.
    private func resend(
        _ lacking: [ChunkReference], _ pending: inout PendingChunks, _ sources: [UploadSource]
    ) async throws(DepotError) -> [ChunkReference] {
        var sent: [ChunkReference] = []
        var batch: [VerifiedObject] = []
        var bytes = 0
        for reference in lacking {
            guard let object = try await again(reference, &pending, sources) else { continue }
            sent.append(reference)
            batch.append(object)
            bytes += reference.length
            if bytes >= GroupMaker.bytesMax {
                try await upload(batch)
                (batch, bytes) = ([], 0)
            }
        }
        try await upload(batch)
        return sent
    }

    /// - Returns: a chunk that can be sent again; `nil` where no file needs it any more.
    private func again(
        _ reference: ChunkReference, _ pending: inout PendingChunks, _ sources: [UploadSource]
    ) async throws(DepotError) -> VerifiedObject? {
        while let chunk = pending.origin(of: reference) {
            do throws(DepotError) {
                return try await again(chunk)
            } catch {
                guard error.code != .unreachable else { throw error }
                fail(chunk.file, sources[chunk.file].name, error, &pending)
            }
        }
        return nil
    }

    private func again(_ chunk: PreparedChunk) async throws(DepotError) -> VerifiedObject {
        switch chunk.origin {
        case .memory(let object): return object
        case .file(let path, let offset):
            let object = VerifiedObject(
                hashing: try await threads.blocking { () throws(DepotError) in
                    try SourceReader.readAgain(path, at: offset, count: chunk.reference.length)
                })
            guard object.id.hash == chunk.reference.id else { throw SourceReader.changed(path) }
            return object
        }
    }
}
