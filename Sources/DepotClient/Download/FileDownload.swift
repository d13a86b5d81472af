import DepotCore
import DepotWire

// Batches of chunks are asked for several at a time and written in order. Each chunk is hashed
// before a byte of it goes anywhere; one that is wrong is asked for again, from another replica,
// until it is right or nobody is left.

/// Fetches the content of one opened file and writes it to its target.
struct FileDownload {
    /// Batches on their way at once.
    private static let batchesMax = 4

    private(set) var opened: OpenedFiles
    let file: FileBody
    private let attributes: FileAttributes
    let onBytes: @Sendable (UInt64) -> Void
    /// Whether bytes went where they cannot be taken back from.
    private(set) var wasShown = false

    init(
        _ file: FileBody, of opened: OpenedFiles, _ attributes: FileAttributes,
        onBytes: @escaping @Sendable (UInt64) -> Void
    ) {
        self.attributes = attributes
        self.file = file
        self.opened = opened
        self.onBytes = onBytes
    }

    /// - Returns: what of the file did not come back though its bytes did.
    mutating func write(to target: DownloadTarget) async throws(DepotError) -> [RestoreWarning] {
        let manifest = try await opened.manifest(of: file)
        let (size, holes) = (file.size, file.metadata.holes)
        let sink = try await opened.threads.blocking { () throws(DepotError) in
            SendableBox(try FileSink(target, size: size, holes: holes))
        }
        do throws(DepotError) {
            try await write(manifest, to: sink)
        } catch {
            sink.value.abandon()
            throw error
        }
        return sink.value.warnings
    }

    private mutating func write(
        _ manifest: Manifest, to sink: SendableBox<FileSink>
    ) async throws(DepotError) {
        var walk = ManifestWalk(manifest)
        var written: UInt64 = 0
        walking: while true {
            switch walk.next() {
            case .piece(let reference):
                try walk.take(try await opened.fetch(reference, of: file.name))
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
        let (metadata, attributes) = (file.metadata, attributes)
        try await opened.threads.blocking { () throws(DepotError) in
            try FileSink.finish([(sink.value, metadata)], attributes: attributes)
        }
    }

    private mutating func write(
        _ chunks: [PlacedChunk], to sink: SendableBox<FileSink>
    ) async throws(DepotError) {
        let batches = ChunkDownload.batches(chunks)
        var underWay: [Task<Result<ChunkDownload.Batch, DepotError>, Never>] = []
        defer { for task in underWay { task.cancel() } }
        var next = 0
        while next < batches.count || !underWay.isEmpty {
            if next < batches.count, underWay.count < Self.batchesMax {
                underWay.append(start(batches[next]))
                next += 1
                continue
            }
            let first = underWay.removeFirst()
            let batch = try await withTaskCancellationHandler {
                await first.value
            } onCancel: {
                first.cancel()
            }.get()
            let objects = opened.take(batch)
            guard !Task.isCancelled else { throw DepotError(.unreachable, "given up") }
            if sink.value.isStream { wasShown = true }
            try await opened.threads.blocking { () throws(DepotError) in
                for object in objects { try sink.value.write(object) }
            }
            onBytes(objects.reduce(0) { $0 + UInt64($1.length) })
        }
    }

    private func start(
        _ chunks: [PlacedChunk]
    ) -> Task<Result<ChunkDownload.Batch, DepotError>, Never> {
        let fetch = opened.fetching(chunks, of: file.name)
        return Task {
            do throws(DepotError) {
                return .success(try await fetch())
            } catch {
                return .failure(error)
            }
        }
    }
}
