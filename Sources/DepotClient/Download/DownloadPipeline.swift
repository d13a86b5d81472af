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
    /// Batches on their way at once.
    private static let batchesMax = 4

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
            OpenRetrievalBody(retrieval: retrieval, names: [name]))
        guard let file = try opened.files.first?.get() else {
            throw DepotError(.internalError, "no file was answered", object: name.text)
        }
        onOpen(file)
        do throws(DepotError) {
            var session = Session(
                door: door, threads: threads, retrieval: retrieval, file: file, onBytes: onBytes)
            try await session.write(to: target)
            // The file is there; the lease ends by itself.
            try? await door.closeRetrieval(retrieval)
            return DownloadReport(file: file, badCopies: session.badCopies)
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
            try await threads.blocking { () throws(DepotError) in
                try FileSink.finish([(sink.value, metadata)])
            }
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
            let batches = ChunkFetch.batches(chunks)
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

        private func fetch(
            _ chunks: [PlacedChunk]
        ) -> @Sendable () async throws(DepotError) -> ([VerifiedObject], [BadCopyReport]) {
            let fetcher = ChunkFetch(
                door: door, threads: threads, retrieval: retrieval, name: file.name)
            return { () async throws(DepotError) in try await fetcher.fetch(chunks) }
        }
    }
}
