import DepotCluster
import DepotCore
import DepotWire

/// Names: tells what is known of one, deletes one.
struct FileService: Sendable {
    let context: ServerContext
    let pool: ReplicaPool
    let catalog: any FileCatalog & ChangeCatalog & ReplicationCatalog
    let deliverer: RecordDeliverer
    let leveler: CopyLeveler
    /// Of the FileServer's certificate; `nil` without TLS.
    let certificateDaysLeft: @Sendable () -> Int?

    /// - Parameter reach: of whoever asks. One that is limited is told of as many copies as the file
    ///   asks for: more would say that others have the same chunk.
    func info(
        _ name: FileName, after: ChunkID?, limit: Int, within reach: NameReach
    ) async throws(DepotError) -> FileInfoBody {
        let file = try await catalog.file(name)
        let found = try await catalog.chunks(
            of: file.manifest, after: after, limit: limit + 1)
        let counting = pool.countedForStatus
        return FileInfoBody(
            file: FileBody(file),
            chunks: found.prefix(limit).map { chunk in
                let all = FileInfoBody.Chunk(chunk, counting: counting)
                return reach == .everything ? all : all.limited(to: file.level)
            },
            hasMore: found.count > limit)
    }

    /// Deletes a name, if its file is as the conditions want it: durable when this returns. Chunks
    /// that nobody else uses are left to collection; those that others use at a lower level lose
    /// their surplus copies, now or later.
    ///
    /// - Parameter request: the same again makes nothing again, and comes to the same end.
    func delete(
        _ name: FileName, _ conditions: RequestConditions, request: RequestID?
    ) async throws {
        await pool.ready()
        try pool.requireCurrentCatalog()
        try await pool.requireMajority()
        let changes = RepeatableChange(catalog: catalog, deliverer: deliverer)
        if let made = try await changes.made(by: request, of: name) {
            try made.kept.record.requireDeletion()
            return
        }
        guard let file = try await catalog.known(name) else {
            return try await changes.acknowledgeDeletion(of: name)
        }
        let change = ConditionalChange(name: name, conditions: conditions, catalog: catalog)
        let record = try await change.make { expected throws(DepotError) in
            try await catalog.delete(
                name, expected: expected, time: context.clock.timestamp(), request: request)
        }
        try await changes.acknowledge(KeptRecord(record))
        do throws(DepotError) {
            var pages = ChunkPages(file.manifest, catalog)
            while let page = try await pages.next() { _ = try await leveler.lower(page) }
        } catch {
            context.logger.warning(
                "the file is deleted, but surplus copies of shared chunks stay",
                metadata: ["name": "\(name)", "error": "\(error)"])
        }
    }

    /// - Parameter namesFiles: whether whoever asks may know what a file is called.
    func status(version: String, namesFiles: Bool) async throws(DepotError) -> StatusBody {
        await pool.ready()
        let totals = try await catalog.totals(counting: pool.countedForStatus)
        return status(version: version, totals: totals, namesFiles: namesFiles)
    }

    /// With these totals, and with replicas as they are now.
    func status(version: String, totals: CatalogTotals, namesFiles: Bool) -> StatusBody {
        let nodes = pool.nodes.filter { !$0.state.isRetired }
        return StatusBody(
            cluster: pool.cluster, version: version,
            problem: pool.problemWithCatalog(namingFiles: namesFiles),
            replicas: nodes.map(pool.description(of:)), totals: totals,
            certificateDaysLeft: certificateDaysLeft())
    }
}
