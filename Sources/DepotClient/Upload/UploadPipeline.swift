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
    /// Content between two barriers: a sync on every replica for each.
    private static let barrierBytes: UInt64 = 64 << 20
    /// Of a stream, chunks are kept in memory until their barrier.
    private static let barrierBytesOfStream: UInt64 = 8 << 20
    private static let barrierChunks = 8_192
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
    private let onEvent: @Sendable (Event) -> Void

    public init(
        door: any FileServerDoor, threads: HashingThreads, deposit: DepositID,
        level: ReplicationLevel, requireAll: Bool, onEvent: @escaping @Sendable (Event) -> Void
    ) {
        self.door = door
        self.threads = threads
        self.deposit = deposit
        self.level = level
        self.requireAll = requireAll
        self.onEvent = onEvent
    }

    /// Deposits everything; what becomes of each file is told in events.
    ///
    /// - Throws: what ends the whole deposit.
    public func run(_ sources: [UploadSource]) async throws(DepotError) {
        try await open()
        let pipe = GroupPipe()
        let producer = Task { [threads] in
            var maker = GroupMaker(sources, threads)
            do throws(DepotError) {
                while let group = try await maker.next() {
                    guard await pipe.send(group) else { return }
                }
                await pipe.finish(nil)
            } catch {
                await pipe.finish(error)
            }
        }
        var pending = Pending()
        do throws(DepotError) {
            while let group = try await pipe.next() {
                for (index, error) in group.failures {
                    onEvent(.failed(sources[index].name, error))
                }
                try await send(group)
                pending.add(group)
                onEvent(.advanced(bytes: group.bytes))
                if pending.isFull { try await settle(&pending) }
            }
            try await settle(&pending)
        } catch {
            producer.cancel()
            await pipe.close()
            throw error
        }
        try await door.closeDeposit(deposit)
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
        let batches = Self.batches(objects)
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

    /// Large chunks go alone, small ones together.
    static func batches(_ objects: [VerifiedObject]) -> [[VerifiedObject]] {
        let bytesMax = WireLimits.batchBytesMax / 4
        var batches: [[VerifiedObject]] = []
        var batch: [VerifiedObject] = []
        var bytes = 0
        for object in objects {
            if !batch.isEmpty,
                bytes + object.length > bytesMax || batch.count == WireLimits.batchObjectsMax
            {
                batches.append(batch)
                (batch, bytes) = ([], 0)
            }
            batch.append(object)
            bytes += object.length
        }
        if !batch.isEmpty { batches.append(batch) }
        return batches
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

    /// What was sent since the last barrier.
    struct Pending {
        var chunks: [ChunkID: PreparedChunk] = [:]
        var files: [PreparedFile] = []
        var bytes: UInt64 = 0
        var isStream = false

        mutating func add(_ group: UploadGroup) {
            for chunk in group.chunks { chunks[chunk.reference.id] = chunk }
            files += group.files
            bytes += group.bytes
            isStream =
                isStream
                || group.chunks.contains { chunk in
                    if case .memory = chunk.origin { return chunk.reference.length > 64 << 10 }
                    return false
                }
        }

        var isFull: Bool {
            bytes >= (isStream ? barrierBytesOfStream : barrierBytes)
                || chunks.count >= barrierChunks || files.count >= WireLimits.commitFilesMax
        }
    }

    /// Makes durable what is pending, and commits the files that are whole.
    private func settle(_ pending: inout Pending) async throws(DepotError) {
        guard !pending.chunks.isEmpty || !pending.files.isEmpty else { return }
        var lacking = try await barrier(pending.chunks.values.map(\.reference))
        var files = pending.files
        for round in 1... {
            if !lacking.isEmpty {
                try await resend(lacking, pending.chunks)
                lacking = try await barrier(lacking)
            }
            if lacking.isEmpty { lacking = try await commit(&files) }
            if lacking.isEmpty { break }
            guard round < Self.roundsMax else {
                throw DepotError(
                    .notEnoughReplicas,
                    "too few replicas hold it after \(round) tries; \(lacking.count) chunks in all. What was "
                        + "sent is not lost: run it again when more replicas are up",
                    object: lacking.first?.id.hex)
            }
        }
        pending = Pending()
    }

    private func barrier(
        _ references: [ChunkReference]
    ) async throws(DepotError) -> [ChunkReference] {
        try await leased { () throws(DepotError) in try await door.barrier(deposit, references) }
    }

    /// - Returns: what is lacking; files that got their receipts are taken out.
    private func commit(
        _ files: inout [PreparedFile]
    ) async throws(DepotError) -> [ChunkReference] {
        var lacking: [ChunkReference] = []
        var rest: [PreparedFile] = []
        for start in stride(from: 0, to: files.count, by: WireLimits.commitFilesMax) {
            let page = Array(files[start..<min(start + WireLimits.commitFilesMax, files.count)])
            let results = try await leased { () throws(DepotError) in
                try await door.commit(deposit, page.map(\.commit))
            }
            for (file, result) in zip(page, results) {
                if let receipt = result.receipt {
                    onEvent(.deposited(receipt))
                } else if let error = result.error {
                    onEvent(
                        .failed(
                            file.commit.name,
                            DepotError(error.code, error.message, object: error.object)))
                } else {
                    lacking += result.lacking ?? []
                    rest.append(file)
                }
            }
        }
        files = rest
        return lacking
    }

    private func resend(
        _ lacking: [ChunkReference], _ chunks: [ChunkID: PreparedChunk]
    ) async throws(DepotError) {
        var batch: [VerifiedObject] = []
        var bytes = 0
        for reference in lacking {
            guard let chunk = chunks[reference.id] else {
                throw DepotError(
                    .notEnoughReplicas,
                    "a copy was lost after it had been confirmed; run the deposit again",
                    object: reference.id.hex)
            }
            batch.append(try await again(chunk))
            bytes += chunk.reference.length
            if bytes >= GroupMaker.bytesMax {
                try await upload(batch)
                (batch, bytes) = ([], 0)
            }
        }
        try await upload(batch)
    }

    private func again(_ chunk: PreparedChunk) async throws(DepotError) -> VerifiedObject {
        switch chunk.origin {
        case .memory(let object): return object
        case .file(let path, let offset):
            let bytes = try await threads.blocking { () throws(DepotError) in
                try SourceReader.readAgain(path, at: offset, count: chunk.reference.length)
            }
            let object = VerifiedObject(hashing: bytes)
            guard object.id.hash == chunk.reference.id else { throw SourceReader.changed(path) }
            return object
        }
    }
}
