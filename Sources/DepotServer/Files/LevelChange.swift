import DepotCluster
import DepotCore
import DepotWire

/// Gives a file another level while it lives: copies first, then the name, drops last.
struct LevelChange: Sendable {
    let context: ServerContext
    let pool: ReplicaPool
    let catalog: any FileCatalog & ChangeCatalog
    let leveler: CopyLeveler
    let deliverer: RecordDeliverer

    /// - Parameter request: the same again changes nothing again, and comes to the same end.
    /// - Throws: `notEnoughReplicas`, `conflict` where something was committed to the name
    ///   meanwhile, `notFound`.
    func change(
        _ name: FileName, _ body: ChangeLevelBody, request: RequestID?
    ) async throws(DepotError) -> LevelChangeBody {
        await pool.ready()
        if body.planOnly {
            let file = try await catalog.file(name)
            try pool.requireMembers(for: body.level)
            return try await plan(file, body.level)
        }
        try pool.requireCurrentCatalog()
        try await pool.requireMajority()
        let changes = RepeatableChange(catalog: catalog, deliverer: deliverer)
        if let made = try await changes.made(by: request, of: name) {
            try made.kept.record.require(level: body.level)
            // What others have made of the name since is theirs to tell.
            guard made.isNewest else {
                return LevelChangeBody(
                    name: name, from: body.level, to: body.level, CopySummary(), pinned: 0,
                    lacking: 0, planOnly: false)
            }
        }
        let file = try await catalog.file(name)
        try pool.requireMembers(for: body.level)
        return try await carryOut(file, body.level, changes, request)
    }

    private func carryOut(
        _ file: FileEntry, _ level: ReplicationLevel, _ changes: RepeatableChange,
        _ request: RequestID?
    ) async throws(DepotError) -> LevelChangeBody {
        var done = CopySummary()
        try await raise(file, to: level, &done)
        if level != file.level {
            let record = try await catalog.changeLevel(
                of: file.name, expected: file.sequence, to: level,
                copiesRequired: level.majority, counting: pool.countedForRepair,
                time: context.clock.timestamp(), request: request)
            try await changes.acknowledge(KeptRecord(record))
        } else if let kept = try await catalog.undelivered(file.name) {
            // Somebody was told to ask again, and has no id to ask with.
            try await changes.acknowledge(kept)
        }
        let left = try await settle(file, at: level, &done)
        return LevelChangeBody(
            name: file.name, from: file.level, to: level, done, pinned: left.pinned,
            lacking: left.lacking, planOnly: false)
    }

    /// Copies every chunk to as many replicas as the level will ask for, as far as they can be
    /// reached.
    private func raise(
        _ file: FileEntry, to level: ReplicationLevel, _ done: inout CopySummary
    ) async throws(DepotError) {
        var pages = ChunkPages(
            file.manifest, catalog, assuming: LevelAssumption(name: file.name, level: level))
        var vain: Set<ReplicaID> = []
        while let page = try await pages.next() {
            var made = CopyPlan()
            made.copies = try await leveler.raise(page, vain: &vain).made
            done.add(made)
        }
    }

    /// Drops what is above each chunk's target now that the level has changed, as far as it can:
    /// the change is made and durable, whatever comes of this, and repair drops the rest.
    ///
    /// - Returns: how many chunks stay above the level, because others use them, and how many are
    ///   below it still.
    private func settle(
        _ file: FileEntry, at level: ReplicationLevel, _ done: inout CopySummary
    ) async throws(DepotError) -> (pinned: Int, lacking: Int) {
        var left = (pinned: 0, lacking: 0)
        var pages = ChunkPages(file.manifest, catalog)
        while let page = try await pages.next() {
            left.pinned += page.count { $0.target > level.copies }
            left.lacking += page.count { $0.good.count < level.copies }
            var made = CopyPlan()
            do throws(DepotError) {
                made.drops = try await leveler.lower(page)
            } catch {
                context.logger.warning(
                    "the level is changed, but surplus copies stay for now",
                    metadata: ["name": "\(file.name)", "error": "\(error)"])
            }
            done.add(made)
        }
        return left
    }

    private func plan(
        _ file: FileEntry, _ level: ReplicationLevel
    ) async throws(DepotError) -> LevelChangeBody {
        var plan = LevelChangePlan(
            name: file.name, sequence: file.sequence, from: file.level, to: level)
        var pages = ChunkPages(
            file.manifest, catalog, assuming: LevelAssumption(name: file.name, level: level))
        let planner = CopyPlanner(placement: pool.placement, avoiding: pool.avoided)
        while let page = try await pages.next() { _ = plan.add(page, using: planner) }
        return LevelChangeBody(
            name: file.name, from: file.level, to: level, plan.summary, pinned: plan.pinned,
            lacking: 0, planOnly: true)
    }
}

extension LevelChangeBody {
    fileprivate init(
        name: FileName, from: ReplicationLevel, to: ReplicationLevel, _ summary: CopySummary,
        pinned: Int, lacking: Int, planOnly: Bool
    ) {
        self.init(
            name: name, from: from, to: to, copied: summary.copies, dropped: summary.drops,
            pinned: pinned, lacking: lacking, bytesCopied: summary.bytesCopied, planOnly: planOnly,
            replicas: summary.replicas.sorted { $0.key < $1.key }.map { replica, share in
                ReplicaShare(
                    replica: replica, copied: share.copies, dropped: share.drops,
                    bytesCopied: share.bytesCopied)
            })
    }
}
