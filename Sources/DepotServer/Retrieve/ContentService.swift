import DepotCore
import NIOCore

/// Gives whole files, or ranges of them, to those who know nothing of chunks. The FileServer hashes them.
struct ContentService: Sendable {
    let pool: ReplicaPool
    let catalog: any Catalog
    let fetcher: ChunkFetcher
    let manifests: ManifestReader

    func file(_ name: FileName) async throws(DepotError) -> FileEntry {
        try await catalog.file(name)
    }

    /// The file as it is now, under a lease: it stays readable however the name fares meanwhile.
    func open(_ name: FileName, _ retrieval: RetrievalID) async throws(DepotError) -> FileEntry {
        try await catalog.openRetrieval(retrieval, of: name, lease: pool.timing.retrievalLease)
    }

    func close(_ retrieval: RetrievalID) async throws(DepotError) {
        try await catalog.closeRetrieval(retrieval)
    }

    /// Writes a range of the file that the lease is for.
    ///
    /// - Throws: in the middle, too, when a chunk has no good copy. What was written so far is right.
    func write(
        _ file: FileEntry, _ range: Range<UInt64>, retrieval: RetrievalID,
        to write: ([ByteBuffer]) async throws -> Void
    ) async throws {
        await pool.ready()
        let outlines = try await manifests.read([file.manifest])
        guard let outline = try outlines[file.manifest.id]?.get(), !range.isEmpty else { return }
        let reservation = try await fetcher.budget.reserve(ContentReader.bytesNeeded)
        defer { withExtendedLifetime(reservation) {} }
        var reader = ContentReader(outline, range: range, fetcher: fetcher, manifests: manifests)
        let fetcher = fetcher
        var renewed = pool.clock.elapsed()
        var current = try await ContentReader.bytes(
            of: try await reader.nextBatch(), in: range, from: fetcher)
        while !current.isEmpty {
            let batch = try await reader.nextBatch()
            async let next = ContentReader.bytes(of: batch, in: range, from: fetcher)
            try await write(current)
            current = try await next
            if pool.clock.elapsed() - renewed > pool.timing.retrievalLease / 4 {
                renewed = pool.clock.elapsed()
                _ = try await catalog.retrievalManifest(
                    retrieval, lease: pool.timing.retrievalLease)
            }
        }
    }
}
