import DepotCluster
import DepotCore
import DepotWire
import NIOCore

/// Gives chunks to clients that hash them themselves.
struct RetrievalService: Sendable {
    let context: ServerContext
    let pool: ReplicaPool
    let catalog: any RetrievalCatalog
    let fetcher: ChunkFetcher
    let inspector: CopyInspector
    let budget: MemoryBudget

    private var lease: Duration { context.timing.retrievalLease }

    func open(_ body: OpenRetrievalBody) async throws(DepotError) -> RetrievalBody {
        guard body.sequences.map({ $0.count == body.names.count }) ?? true else {
            throw DepotError(
                .invalidArgument, "there is a sequence for each name, or null, or there are none",
                object: body.retrieval.description)
        }
        guard body.names.count <= WireLimits.retrievalFilesMax else {
            throw DepotError(
                .tooLarge,
                "a retrieval has at most \(WireLimits.retrievalFilesMax) files, found "
                    + "\(body.names.count)",
                object: body.retrieval.description)
        }
        let files = try await catalog.openRetrieval(
            body.retrieval, of: body.versions, lease: lease)
        return RetrievalBody(
            retrieval: body.retrieval, leaseSeconds: Int(clamping: lease.components.seconds),
            files: Self.fitting(files.map { $0.map(FileBody.init) }))
    }

    func lines(_ retrieval: RetrievalBody) throws(DepotError) -> ByteBuffer {
        try retrieval.lines(of: pool.cluster.cluster)
    }

    /// As much as an answer takes. Clients know from their lists how much that is.
    private static func fitting(
        _ files: [Result<FileBody, DepotError>]
    ) -> [RetrievalBody.Found] {
        var size = 0
        return files.map { found in
            guard case .success(let file) = found else { return RetrievalBody.Found(found) }
            size += file.textSize
            guard size > WireLimits.retrievalAnswerMax else { return RetrievalBody.Found(found) }
            return RetrievalBody.Found(
                .failure(
                    DepotError(
                        .tooLarge, "the answer would be too long; open it with fewer others",
                        object: file.name.text)))
        }
    }

    func close(_ retrieval: RetrievalID) async throws(DepotError) {
        try await catalog.closeRetrieval(retrieval)
    }

    /// What is said of a chunk before its bytes, if anybody has it.
    struct Answer: Sendable {
        let header: ByteBuffer
        let length: Int

        init(_ chunk: ChunkReference, _ obtained: Obtained<ChunkFetcher.Found>) {
            let id = ObjectID.chunk(chunk.id)
            var header = ByteBuffer()
            switch obtained {
            case .found(let found):
                for replica in found.missing {
                    ObjectFrame(id: id, status: .missing, length: 0, replica: replica)
                        .write(to: &header)
                }
                length = found.length
                ObjectFrame(id: id, status: .present, length: length, replica: found.replica)
                    .write(to: &header)
            case .absent(let silent):
                length = 0
                ObjectFrame(id: id, status: .absent, length: 0, replica: silent.first)
                    .write(to: &header)
            }
            self.header = header
        }
    }

    /// Gets chunks in order. For whoever reaches everything they are not compared with the manifests,
    /// and the client hashes what it gets. For others what is in none of the retrieval's files is
    /// absent.
    ///
    /// - Parameter reach: of whoever asks.
    /// - Throws: `leaseEnded`; `tooLarge` for more than one batch.
    func read(
        _ retrieval: RetrievalID, _ requests: [ReadRequest], for borrower: Borrower,
        within reach: NameReach
    ) async throws(DepotError) -> ([Answer], ContentParcel) {
        let bytes = try Self.bytes(of: requests, retrieval)
        try await catalog.renewRetrieval(retrieval, lease: lease)
        // Whoever asks for nothing wanted that.
        guard !requests.isEmpty else { return ([], self.parcel([], [], for: borrower)) }
        await pool.ready()
        let readable = try await readable(requests, retrieval, within: reach)
        for request in requests where readable.contains(request.chunk.id) {
            for copy in request.avoid where copy.reason == .corrupt || copy.reason == .missing {
                inspector.suspect(request.chunk.id, on: copy.replica)
            }
        }
        let reservation = try await budget.reserve(bytes, for: borrower)
        let fetched = try await fetcher.fetch(
            requests.filter { readable.contains($0.chunk.id) }.map {
                ChunkFetcher.Wish(chunk: $0.chunk, avoid: Set($0.avoid.map(\.replica)))
            })
        var rest = fetched.makeIterator()
        let found = requests.map { request in
            readable.contains(request.chunk.id)
                ? rest.next() ?? .absent(silent: []) : .absent(silent: [])
        }
        let answers = zip(requests, found).map { Answer($0.chunk, $1) }
        let parcel = self.parcel(requests, answers, for: borrower)
        parcel.fill(found.map { $0.value?.bytes ?? [] }, reservation)
        return (answers, parcel)
    }

    private func readable(
        _ requests: [ReadRequest], _ retrieval: RetrievalID, within reach: NameReach
    ) async throws(DepotError) -> Set<ChunkID> {
        let chunks = requests.map(\.chunk.id)
        guard reach != .everything else { return Set(chunks) }
        return try await catalog.read(among: chunks, by: retrieval)
    }

    private static func bytes(
        of requests: [ReadRequest], _ retrieval: RetrievalID
    ) throws(DepotError) -> Int {
        let bytes = requests.reduce(0) { $0 + $1.chunk.length }
        guard requests.count <= WireLimits.batchObjectsMax, bytes <= WireLimits.batchBytesMax else {
            throw DepotError(
                .tooLarge,
                "one request reads at most \(WireLimits.batchObjectsMax) chunks of together "
                    + "\(WireLimits.batchBytesMax) bytes, found \(requests.count) of \(bytes)",
                object: retrieval.description)
        }
        return bytes
    }

    /// Loaded again, a chunk is hashed: it may come from another replica than the one that was
    /// named before its bytes.
    private func parcel(
        _ requests: [ReadRequest], _ answers: [Answer], for borrower: Borrower
    ) -> ContentParcel {
        let items = zip(requests, answers).map { request, answer in
            ContentParcel.Item(
                chunk: request.chunk, range: 0..<answer.length, header: answer.header)
        }
        return ContentParcel(items, from: budget, for: borrower) {
            [fetcher] items throws(DepotError) in
            let objects = try await fetcher.verified(items.map(\.chunk))
            var bytes: [[ByteBuffer]] = []
            // What was absent stays absent; what was there has to be there.
            for (obtained, item) in zip(objects, items) {
                guard !item.range.isEmpty else {
                    bytes.append([])
                    continue
                }
                bytes.append(
                    try fetcher.require(obtained, of: item.chunk, called: "this chunk").parts)
            }
            return bytes
        }
    }
}
