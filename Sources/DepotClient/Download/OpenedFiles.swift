import DepotCore
import DepotWire

// One file or many small ones: they are opened together, stay readable under one lease, and are
// fetched through one place that remembers which copies were bad.

/// Files that were opened together and can be read until they are closed.
struct OpenedFiles: Sendable {
    /// For each name, in order: its file, or why it cannot be read.
    let files: [Result<FileBody, DepotError>]
    let lease: RetrievalLease
    /// How long the lease lasts without being renewed.
    let leaseTime: Duration
    let threads: BlockingThreads
    private let server: any FileServerAPI
    /// Copies that could not be used so far.
    private(set) var badCopies: [BadCopyReport] = []

    /// Opens files.
    ///
    /// A single file is opened again where its lease ends. Where that of several ends, each of them
    /// is better retrieved by itself.
    ///
    /// - Throws: `internalError` for an answer that is not about these files.
    init(
        _ names: [VersionName], server: any FileServerAPI, threads: BlockingThreads
    ) async throws(DepotError) {
        let id = RetrievalID.random()
        let answer = try await server.openRetrieval(
            OpenRetrievalBody(retrieval: id, versions: names))
        let found = answer.files.map { found in
            Result { () throws(DepotError) in try found.get() }
        }
        let areThese = zip(names, found).allSatisfy { name, result in
            if case .success(let file) = result {
                file.name == name.name && name.sequence.map { $0 == file.sequence } ?? true
            } else {
                true
            }
        }
        guard areThese, found.count == names.count else {
            throw DepotError(
                .internalError, "another file was answered, or none",
                object: names.first?.name.text ?? "")
        }
        var alone: FileBody?
        if found.count == 1, case .success(let file) = found[0] { alone = file }
        files = found
        lease = RetrievalLease(
            id, of: alone, at: names.first?.sequence, server: server)
        leaseTime = .seconds(answer.leaseSeconds)
        self.server = server
        self.threads = threads
    }

    /// Ends the lease, which else ends by itself: what came of the files is what counts.
    func close() async { try? await server.closeRetrieval(lease.id) }

    /// Fetches no more than one batch. It may run beside others; `take` keeps what came.
    ///
    /// - Parameter name: of the chunks' file, or one of their files, for errors.
    func fetching(
        _ chunks: [PlacedChunk], of name: FileName
    ) -> @Sendable () async throws(DepotError) -> ChunkDownload.Batch {
        let fetcher = ChunkDownload(threads: threads, lease: lease, name: name)
        return { () async throws(DepotError) in try await fetcher.fetch(chunks) }
    }

    /// Remembers the bad copies that a batch has met.
    mutating func take(_ batch: ChunkDownload.Batch) -> [VerifiedObject] {
        badCopies += batch.badCopies
        return batch.objects
    }

    /// Fetches any number of chunks, one batch after the other.
    mutating func fetch(
        _ chunks: [PlacedChunk], of name: FileName
    ) async throws(DepotError) -> [VerifiedObject] {
        var objects: [VerifiedObject] = []
        for batch in ChunkDownload.batches(chunks) {
            objects += take(try await fetching(batch, of: name)())
        }
        return objects
    }

    /// What a file consists of; fetched unless it is inline.
    mutating func manifest(of file: FileBody) async throws(DepotError) -> Manifest {
        if let manifest = file.manifest.inlineManifest { return manifest }
        let text = try await fetch(file.manifest.text, of: file.name)
        return try Manifest(parsing: text.contiguous)
    }

    /// Fetches a manifest, or a piece of one.
    mutating func fetch(
        _ reference: ChunkReference, of name: FileName
    ) async throws(DepotError) -> VerifiedObject {
        let objects = try await fetch([PlacedChunk(offset: 0, reference: reference)], of: name)
        guard let object = objects.first else {
            throw DepotError(.internalError, "no chunk came", object: reference.id.hex)
        }
        return object
    }
}
