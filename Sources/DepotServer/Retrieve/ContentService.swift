import DepotCluster
import DepotCore
import DepotWire

/// Gives whole files, or ranges of them, to those who know nothing of chunks. The FileServer hashes
/// them.
struct ContentService: Sendable {
    let context: ServerContext
    let pool: ReplicaPool
    let catalog: any FileCatalog & RetrievalCatalog
    let fetcher: ChunkFetcher
    let manifests: ManifestReader
    let budget: MemoryBudget

    func file(_ name: VersionName) async throws(DepotError) -> FileEntry {
        guard name.sequence == nil else {
            let retrieval = RetrievalID.random()
            let file = try await open(name, retrieval)
            await close(retrieval)
            return file
        }
        let file = try await catalog.file(name.name)
        try Self.requireContent(file)
        return file
    }

    private static func requireContent(_ file: FileEntry) throws(DepotError) {
        switch file.metadata.kind {
        case .file: return
        case .folder:
            throw DepotError(
                .invalidArgument, "it is a folder, and has no content", object: file.name.text)
        case .link(let target):
            throw DepotError(
                .invalidArgument,
                "it is a symbolic link to '\(target.text)', and has no content",
                object: file.name.text)
        case .special(let special):
            throw DepotError(
                .invalidArgument, "it is \(special.words), and has no content",
                object: file.name.text)
        }
    }

    /// The file as it is now, under a lease: it stays readable however the name fares meanwhile.
    func open(_ name: VersionName, _ retrieval: RetrievalID) async throws(DepotError) -> FileEntry {
        let files = try await catalog.openRetrieval(
            retrieval, of: [name], lease: context.timing.retrievalLease)
        guard let file = files.first else {
            throw DepotError(.internalError, "a file was left out", object: name.name.text)
        }
        let found = try file.get()
        do throws(DepotError) {
            try Self.requireContent(found)
        } catch {
            await close(retrieval)
            throw error
        }
        return found
    }

    /// Also where the request was cancelled.
    func close(_ retrieval: RetrievalID) async {
        await Task { [catalog, context] in
            do throws(DepotError) {
                try await catalog.closeRetrieval(retrieval)
            } catch {
                context.logger.debug("a retrieval stays open until its lease ends")
            }
        }.value
    }

    /// Reads the first chunks of a range, so that what is damaged there is said before an answer
    /// begins. The lease is given back where that fails, and else when the stream was written, or
    /// is not to be.
    func begin(
        _ file: FileEntry, _ range: Range<UInt64>, under retrieval: RetrievalID,
        for borrower: Borrower
    ) async throws(DepotError) -> ContentStream {
        do throws(DepotError) {
            return try await stream(file, range, under: retrieval, for: borrower)
        } catch {
            await close(retrieval)
            throw error
        }
    }

    private func stream(
        _ file: FileEntry, _ range: Range<UInt64>, under retrieval: RetrievalID,
        for borrower: Borrower
    ) async throws(DepotError) -> ContentStream {
        await pool.ready()
        guard let outline = try await manifests.read([file.manifest])[file.manifest.id]?.get()
        else {
            throw DepotError(.internalError, "a manifest was left out", object: file.name.text)
        }
        var reader = ContentReader(outline, range: range, manifests: manifests)
        let first = try await reader.nextParcel(
            upTo: ContentReader.firstBatchBytes, from: budget, for: borrower, fetcher: fetcher)
        try await first?.load()
        return ContentStream(
            service: self, retrieval: retrieval, borrower: borrower, reader: reader, first: first)
    }
}
