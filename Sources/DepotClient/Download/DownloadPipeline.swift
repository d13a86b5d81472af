import DepotCore
import DepotWire
import NIOCore

/// Where a retrieved file goes.
public enum DownloadTarget: Sendable {
    /// A file that appears whole or not at all; or a device or pipe that is there already.
    case path(String)
    /// Standard output.
    case stream(descriptor: Int32)
}

/// A copy that could not be used.
public struct BadCopyReport: Sendable, Hashable, Codable {
    public let chunk: ChunkID
    public let replica: ReplicaID
    public let reason: BadCopy.Reason
}

/// What was retrieved.
public struct DownloadReport: Sendable {
    public let file: FileBody
    public let badCopies: [BadCopyReport]
}

// Batches of chunks are asked for several at a time and written in order. Each chunk is hashed before a byte of it
// goes anywhere; one that is wrong is asked for again, from another replica, until it is right or nobody is left.

/// Retrieves one file.
public struct DownloadPipeline: Sendable {
    /// Batches on their way at once, and how much content each has: what a download takes of memory.
    private static let batchesMax = 4
    private static let batchBytes = 4 << 20
    private static let batchChunks = 256

    private let door: any FileServerDoor
    private let threads: HashingThreads
    private let onBytes: @Sendable (UInt64) -> Void

    /// - Parameter onBytes: told of bytes that were written.
    public init(
        door: any FileServerDoor, threads: HashingThreads,
        onBytes: @escaping @Sendable (UInt64) -> Void
    ) {
        self.door = door
        self.threads = threads
        self.onBytes = onBytes
    }

    /// - Parameter onOpen: told the file once it is known.
    /// - Throws: `notFound`; `noGoodCopy`, naming chunk, file and offset; what is wrong with the target.
    public func run(
        _ name: FileName, to target: DownloadTarget, onOpen: @Sendable (FileBody) -> Void = { _ in }
    ) async throws(DepotError) -> DownloadReport {
        let retrieval = RetrievalID.random()
        let opened = try await door.openRetrieval(
            OpenRetrievalBody(retrieval: retrieval, name: name))
        onOpen(opened.file)
        do throws(DepotError) {
            var session = Session(
                door: door, threads: threads, retrieval: retrieval, file: opened.file,
                onBytes: onBytes)
            try await session.write(to: target)
            // The file is there; the lease ends by itself.
            try? await door.closeRetrieval(retrieval)
            return DownloadReport(file: opened.file, badCopies: session.badCopies)
        } catch {
            // The lease ends by itself; the first error is the one to tell.
            try? await door.closeRetrieval(retrieval)
            throw error
        }
    }

    private struct Session {
        let door: any FileServerDoor
        let threads: HashingThreads
        let retrieval: RetrievalID
        let file: FileBody
        let onBytes: @Sendable (UInt64) -> Void
        var badCopies: [BadCopyReport] = []

        mutating func write(to target: DownloadTarget) async throws(DepotError) {
            let manifest = try Manifest(parsing: try await one(file.manifest).contiguous)
            let mode = file.metadata.mode
            let sink = try await threads.blocking { () throws(DepotError) in
                NotShared(try FileSink(target, mode: mode))
            }
            do throws(DepotError) {
                try await write(manifest, to: sink)
            } catch {
                sink.value.abandon()
                throw error
            }
        }

        private mutating func write(
            _ manifest: Manifest, to sink: NotShared<FileSink>
        ) async throws(DepotError) {
            var walk = ManifestWalk(manifest)
            var written: UInt64 = 0
            walking: while true {
                switch walk.next() {
                case .piece(let reference): try walk.take(try await one(reference))
                case .chunks(let chunks):
                    try await write(chunks, to: sink)
                    written += chunks.reduce(0) { $0 + UInt64($1.reference.length) }
                case .end: break walking
                }
            }
            guard written == file.size else {
                throw DepotError(
                    .manifestInvalid, "its manifest has \(written) bytes, its record \(file.size)",
                    object: file.name.text)
            }
            let metadata = file.metadata
            try await threads.blocking { () throws(DepotError) in try sink.value.finish(metadata) }
        }

        private mutating func one(_ reference: ChunkReference) async throws(DepotError)
            -> VerifiedObject
        {
            let fetch = fetch([PlacedChunk(offset: 0, reference: reference)])
            let (objects, bad) = try await fetch()
            badCopies += bad
            guard let object = objects.first else {
                throw DepotError(.internalError, "no chunk came", object: reference.id.hex)
            }
            return object
        }

        private mutating func write(
            _ chunks: [PlacedChunk], to sink: NotShared<FileSink>
        ) async throws(DepotError) {
            let batches = Self.batches(chunks)
            var underWay: [Task<Result<([VerifiedObject], [BadCopyReport]), DepotError>, Never>] =
                []
            defer { for task in underWay { task.cancel() } }
            var next = 0
            while next < batches.count || !underWay.isEmpty {
                if next < batches.count, underWay.count < batchesMax {
                    let fetch = fetch(batches[next])
                    underWay.append(
                        Task {
                            do throws(DepotError) {
                                return .success(try await fetch())
                            } catch {
                                return .failure(error)
                            }
                        })
                    next += 1
                    continue
                }
                let first = underWay.removeFirst()
                let (objects, bad) = try await withTaskCancellationHandler {
                    await first.value
                } onCancel: {
                    first.cancel()
                }.get()
                badCopies += bad
                guard !Task.isCancelled else { throw DepotError(.unreachable, "given up") }
                try await threads.blocking { () throws(DepotError) in
                    for object in objects { try sink.value.write(object) }
                }
                onBytes(objects.reduce(0) { $0 + UInt64($1.length) })
            }
        }

        private static func batches(_ chunks: [PlacedChunk]) -> [[PlacedChunk]] {
            var batches: [[PlacedChunk]] = []
            var batch: [PlacedChunk] = []
            var bytes = 0
            for chunk in chunks {
                let length = chunk.reference.length
                if !batch.isEmpty, bytes + length > batchBytes || batch.count == batchChunks {
                    batches.append(batch)
                    (batch, bytes) = ([], 0)
                }
                batch.append(chunk)
                bytes += length
            }
            if !batch.isEmpty { batches.append(batch) }
            return batches
        }

        private func fetch(
            _ chunks: [PlacedChunk]
        ) -> @Sendable () async throws(DepotError) -> ([VerifiedObject], [BadCopyReport]) {
            let fetcher = ChunkFetch(
                door: door, threads: threads, retrieval: retrieval, name: file.name)
            return { () async throws(DepotError) in try await fetcher.fetch(chunks) }
        }
    }
}

/// Fetches a batch of chunks, each from as many replicas as it takes.
private struct ChunkFetch: Sendable {
    let door: any FileServerDoor
    let threads: HashingThreads
    let retrieval: RetrievalID
    let name: FileName

    func fetch(
        _ chunks: [PlacedChunk]
    ) async throws(DepotError) -> ([VerifiedObject], [BadCopyReport]) {
        var objects = [VerifiedObject?](repeating: nil, count: chunks.count)
        var avoid = [[BadCopy]](repeating: [], count: chunks.count)
        var wanted = Array(chunks.indices)
        while !wanted.isEmpty {
            let requests = wanted.map { ReadRequest(chunk: chunks[$0].reference, avoid: avoid[$0]) }
            let answers = try await door.fetch(retrieval, requests)
            guard answers.count == requests.count else {
                throw DepotError(
                    .internalError,
                    "\(answers.count) chunks came, \(requests.count) were asked for",
                    object: name.text)
            }
            let verified = try await threads.verify(answers.map { $0?.object })
            var wrong: [Int] = []
            for (place, index) in wanted.enumerated() {
                for replica in answers[place]?.missing ?? []
                where !avoid[index].contains(where: { $0.replica == replica }) {
                    avoid[index].append(BadCopy(replica: replica, reason: .missing))
                }
                if let object = verified[place], ChunkReference(object) == chunks[index].reference {
                    objects[index] = object
                    continue
                }
                avoid[index].append(try blame(answers[place], chunks[index], avoid[index]))
                wrong.append(index)
            }
            wanted = wrong
        }
        let reports = zip(chunks, avoid).flatMap { chunk, bad in
            bad.map {
                BadCopyReport(chunk: chunk.reference.id, replica: $0.replica, reason: $0.reason)
            }
        }
        return (objects.compactMap { $0 }, reports)
    }

    /// Whose copy was wrong.
    ///
    /// - Throws: `noGoodCopy` where there is no other one.
    private func blame(
        _ answer: FetchedChunk?, _ chunk: PlacedChunk, _ tried: [BadCopy]
    ) throws(DepotError) -> BadCopy {
        if let replica = answer?.replica, !tried.contains(where: { $0.replica == replica }) {
            return BadCopy(replica: replica, reason: .corrupt)
        }
        let corrupt = tried.filter { $0.reason == .corrupt }
            .map(\.replica.description).joined(separator: ", ")
        throw DepotError(
            .noGoodCopy,
            "no good copy of chunk \(chunk.reference.id), which begins at byte \(chunk.offset), can be reached"
                + (corrupt.isEmpty ? "" : "; corrupt on \(corrupt)")
                + ". Start the replicas that are down and try again",
            object: name.text)
    }
}
