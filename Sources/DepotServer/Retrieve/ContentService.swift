import DepotCore
import NIOCore
import Synchronization

/// Gives whole files, or ranges of them, to those who know nothing of chunks. The FileServer hashes them.
struct ContentService: Sendable {
    /// A stream that has begun waits so long for memory for its next chunks before it is cut off.
    static let patience = Duration.seconds(300)

    let pool: ReplicaPool
    let catalog: any Catalog
    let fetcher: ChunkFetcher
    let manifests: ManifestReader
    let budget: MemoryBudget

    func file(_ name: FileName) async throws(DepotError) -> FileEntry {
        try await catalog.file(name)
    }

    /// The file as it is now, under a lease: it stays readable however the name fares meanwhile.
    func open(_ name: FileName, _ retrieval: RetrievalID) async throws(DepotError) -> FileEntry {
        let files = try await catalog.openRetrieval(
            retrieval, of: [name], lease: pool.timing.retrievalLease)
        guard let file = files.first else {
            throw DepotError(.internalError, "a file was left out", object: name.text)
        }
        return try file.get()
    }

    func close(_ retrieval: RetrievalID) async {
        do throws(DepotError) {
            try await catalog.closeRetrieval(retrieval)
        } catch {
            pool.logger.debug("a retrieval stays open until its lease ends")
        }
    }

    /// Reads the first chunks of a range, so that what is damaged there is said before an answer begins.
    func begin(
        _ file: FileEntry, _ range: Range<UInt64>, _ retrieval: RetrievalID
    ) async throws(DepotError) -> ContentStream {
        await pool.ready()
        guard let outline = try await manifests.read([file.manifest])[file.manifest.id]?.get()
        else {
            throw DepotError(.internalError, "a manifest was left out", object: file.name.text)
        }
        var reader = ContentReader(outline, range: range, manifests: manifests)
        let batch = try await reader.nextBatch()
        let reservation = try await budget.reserve(reader.bytes(of: batch))
        let first = try await load(batch, range, reservation)
        return ContentStream(
            service: self, retrieval: retrieval, range: range, reader: reader, first: first)
    }

    fileprivate func load(
        _ batch: [PlacedChunk], _ range: Range<UInt64>, _ reservation: MemoryReservation
    ) async throws(DepotError) -> ContentStream.Loaded {
        ContentStream.Loaded(
            bytes: try await ContentReader.load(batch, range, from: fetcher),
            reservation: reservation)
    }
}

/// The bytes of a range of a file, from its first chunks on.
final class ContentStream: Sendable {
    fileprivate struct Loaded: Sendable {
        let bytes: [ByteBuffer]
        let reservation: MemoryReservation
    }

    private struct State {
        var reader: ContentReader
        /// Taken out when it is written, so that nothing holds on to it longer.
        var first: Loaded?
    }

    private let service: ContentService
    private let retrieval: RetrievalID
    private let range: Range<UInt64>
    private let state: Mutex<State>

    fileprivate init(
        service: ContentService, retrieval: RetrievalID, range: Range<UInt64>,
        reader: ContentReader, first: Loaded
    ) {
        self.service = service
        self.retrieval = retrieval
        self.range = range
        state = Mutex(State(reader: reader, first: first))
    }

    private func start() -> (ContentReader, Loaded?) {
        state.withLock { state in
            defer { state.first = nil }
            return (state.reader, state.first)
        }
    }

    /// Writes everything, once. The next chunks are fetched while these are written if there is memory for both;
    /// nobody waits for memory while holding some.
    ///
    /// - Throws: in the middle, too, when a chunk has no good copy. What was written so far is right.
    func write(to output: ([ByteBuffer]) async throws -> Void) async throws {
        var (reader, current) = start()
        var renewed = service.pool.clock.elapsed()
        while let loaded = current {
            let batch = try await reader.nextBatch()
            let bytes = reader.bytes(of: batch)
            if batch.isEmpty {
                try await output(loaded.bytes)
                current = nil
            } else if let reservation = service.budget.tryReserve(bytes) {
                async let next = service.load(batch, range, reservation)
                try await output(loaded.bytes)
                current = try await next
            } else {
                try await output(loaded.bytes)
                current = nil
                let reservation = try await service.budget.reserve(
                    bytes, within: ContentService.patience)
                current = try await service.load(batch, range, reservation)
            }
            try await renew(&renewed)
        }
        await service.close(retrieval)
    }

    private func renew(_ renewed: inout Duration) async throws(DepotError) {
        let lease = service.pool.timing.retrievalLease
        let now = service.pool.clock.elapsed()
        guard now - renewed > lease / 4 else { return }
        renewed = now
        try await service.catalog.renewRetrieval(retrieval, lease: lease)
    }
}
