import DepotCluster
import DepotCore
import DepotWire
import NIOCore

/// What names are and were: lists it, and brings it back.
struct VersionService: Sendable {
    let context: ServerContext
    let pool: ReplicaPool
    let catalog: any FileCatalog & ChangeCatalog & VersionCatalog
    let deliverer: RecordDeliverer

    func list(
        _ name: FileName, before: CommitSequence?, limit: Int
    ) async throws(DepotError) -> VersionListBody {
        let words = try await catalog.versions(of: name, before: before, limit: limit)
        guard !words.isEmpty || before != nil else {
            throw DepotError(.notFound, "no such file in the depot", object: name.text)
        }
        return VersionListBody(
            versions: words.map(VersionListBody.Word.init), hasMore: try await hasMore(words, name))
    }

    private func hasMore(_ words: [FileWord], _ name: FileName) async throws(DepotError) -> Bool {
        guard let last = words.last else { return false }
        return try await !catalog.versions(of: name, before: last.sequence, limit: 1).isEmpty
    }

    func lines(_ list: FileListBody) throws(DepotError) -> ByteBuffer {
        try list.lines(of: pool.cluster.cluster)
    }

    /// Makes what a name was what it is, by a commit of its own: durable when this returns.
    ///
    /// - Parameter request: the same again changes nothing again, and comes to the same end.
    func revert(
        _ name: FileName, _ body: RevertBody, request: RequestID?
    ) async throws(DepotError) -> RevertedBody {
        await pool.ready()
        try pool.requireCurrentCatalog()
        try await pool.requireMajority()
        let changes = RepeatableChange(catalog: catalog, deliverer: deliverer)
        if let made = try await changes.made(by: request, of: name) {
            return RevertedBody(
                made.kept.record, copies: try await copies(of: made.kept.record))
        }
        let record = try await catalog.revert(
            name, to: body.sequence, time: context.clock.timestamp(), request: request)
        try await changes.acknowledge(KeptRecord(record))
        return RevertedBody(record, copies: try await copies(of: record))
    }

    /// Good copies of what a file consists of, up to its level: of the chunk that has the fewest.
    /// Repair makes the others.
    private func copies(of record: FileRecord) async throws(DepotError) -> Int? {
        guard case .file(let level, let manifest, _, _) = record.content else { return nil }
        let counted = pool.countedForStatus
        var pages = ChunkPages(manifest, catalog)
        var fewest: Int?
        while let page = try await pages.next() {
            for chunk in page {
                let good = chunk.holdings.count {
                    $0.state == .good && counted.contains($0.replica)
                }
                fewest = min(fewest ?? good, good)
            }
        }
        return fewest.map { min($0, level.copies) }
    }
}
