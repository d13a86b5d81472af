import DepotCluster
import DepotCore
import DepotWire

/// What names were before: lists it, brings it back, forgets it.
struct VersionService: Sendable {
    let context: ServerContext
    let pool: ReplicaPool
    let catalog: any FileCatalog & ChangeCatalog & VersionCatalog
    let deliverer: RecordDeliverer

    func list(
        _ name: FileName, before: CommitSequence?, limit: Int
    ) async throws(DepotError) -> VersionListBody {
        let words = try await catalog.versions(of: name, before: before, limit: limit + 1)
        guard !words.isEmpty || before != nil else {
            throw DepotError(.notFound, "no such file in the depot", object: name.text)
        }
        return VersionListBody(
            versions: words.prefix(limit).map(VersionListBody.Word.init),
            hasMore: words.count > limit)
    }

    func files(
        _ moment: ListMoment, prefix: String, after: FileName?, limit: Int
    ) async throws(DepotError) -> FileListBody {
        let page =
            switch moment {
            case .now: try await catalog.files(prefix: prefix, after: after, limit: limit)
            case .at(let time):
                try await catalog.files(at: time, prefix: prefix, after: after, limit: limit)
            case .beforeDeletion:
                try await catalog.deletedFiles(prefix: prefix, after: after, limit: limit)
            }
        return FileListBody(files: page.files.map(FileBody.init), hasMore: page.hasMore)
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
            return RevertedBody(made.kept.record)
        }
        let record = try await catalog.revert(
            name, to: body.sequence, time: context.clock.timestamp(), request: request)
        try await changes.acknowledge(KeptRecord(record))
        return RevertedBody(record)
    }

    /// Forgets what a name was before. What only that used goes with the next collections.
    func purge(_ name: FileName) async throws(DepotError) -> PurgedBody {
        await pool.ready()
        try pool.requireCurrentCatalog()
        return PurgedBody(name: name, versions: try await catalog.purge(name))
    }
}
