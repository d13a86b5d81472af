import DepotCore
import DepotWire
import NIOCore

/// Gives chunks to clients that hash them themselves.
struct RetrievalService: Sendable {
    let pool: ReplicaPool
    let catalog: any Catalog
    let fetcher: ChunkFetcher
    let inspector: CopyInspector
    let budget: MemoryBudget

    private var lease: Duration { pool.timing.retrievalLease }

    func open(_ body: OpenRetrievalBody) async throws(DepotError) -> RetrievalBody {
        guard body.names.count <= WireLimits.retrievalFilesMax else {
            throw DepotError(
                .tooLarge,
                "a retrieval has at most \(WireLimits.retrievalFilesMax) files, found \(body.names.count)",
                object: body.retrieval.description)
        }
        let files = try await catalog.openRetrieval(body.retrieval, of: body.names, lease: lease)
        return RetrievalBody(
            retrieval: body.retrieval, leaseSeconds: Int(lease.components.seconds),
            files: files.map { RetrievalBody.Found($0.map(FileBody.init)) })
    }

    func close(_ retrieval: RetrievalID) async throws(DepotError) {
        try await catalog.closeRetrieval(retrieval)
    }

    /// A chunk, if anybody has it, and who gave it.
    struct Answer: Sendable {
        let chunk: ChunkReference
        let found: ChunkFetcher.Found?
        /// Of the whole batch; goes when the last of its answers has gone.
        let reservation: MemoryReservation
    }

    /// Gets chunks in order. Which chunks is not compared with the manifest: whoever may read here may read
    /// everything, and the client hashes what it gets.
    ///
    /// - Throws: `leaseEnded`; `tooLarge` for more than one batch.
    func read(
        _ retrieval: RetrievalID, _ requests: [ReadRequest]
    ) async throws(DepotError) -> [Answer] {
        let bytes = requests.reduce(0) { $0 + $1.chunk.length }
        guard requests.count <= WireLimits.batchObjectsMax, bytes <= WireLimits.batchBytesMax else {
            throw DepotError(
                .tooLarge,
                "one request reads at most \(WireLimits.batchObjectsMax) chunks of together "
                    + "\(WireLimits.batchBytesMax) bytes, found \(requests.count) of \(bytes)",
                object: retrieval.description)
        }
        try await catalog.renewRetrieval(retrieval, lease: lease)
        await pool.ready()
        for request in requests {
            for copy in request.avoid where copy.reason == .corrupt || copy.reason == .missing {
                inspector.suspect(request.chunk.id, on: copy.replica)
            }
        }
        let reservation = try await budget.reserve(bytes)
        let found = try await fetcher.fetch(
            requests.map {
                ChunkFetcher.Wish(chunk: $0.chunk, avoid: Set($0.avoid.map(\.replica)))
            })
        return zip(requests, found).map {
            Answer(chunk: $0.chunk, found: $1, reservation: reservation)
        }
    }
}
