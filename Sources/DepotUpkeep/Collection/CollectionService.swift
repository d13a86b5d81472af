import DepotCluster
import DepotCore
import DepotWire

// Collection decides by the catalog alone, and the catalog refuses where it does not know
// everything: then nothing is deleted. Every deletion passes its gate by itself, so deposits go on
// meanwhile, and a collection that ends in the middle has done what it has done.

/// Deletes what nobody uses, after a grace time, and has the space given back.
package struct CollectionService: Sendable {
    /// Copies of one deletion.
    private static let pageSize = 1_000

    let context: ServerContext
    let pool: ReplicaPool
    let catalog: any CollectionCatalog & RecordCatalog & VersionCatalog
    let dropper: UnusedDropper
    let compactor: Compactor
    /// One at a time: two would do the same work twice.
    let turn = Turn()

    /// Collects now and then, for as long as the FileServer runs.
    func run() async {
        while await context.clock.pause(context.timing.collectionPeriod) {
            do throws(DepotError) {
                let done = try await collect(CollectBody(planOnly: false, graceSeconds: nil))
                guard done.deletedCopies + done.compactedSegments > 0 else { continue }
                context.logger.notice(
                    "collection",
                    metadata: [
                        "copies": "\(done.deletedCopies)", "bytes": "\(done.deletedBytes)",
                        "freed": "\(done.freedBytes)",
                    ])
            } catch {
                if Task.isCancelled { return }
                context.logger.warning("nothing was collected", metadata: ["why": "\(error)"])
            }
        }
    }

    /// - Throws: `conflict` where the catalog is partial or read-only, or another collection takes
    ///   longer than `stallLimit`; `manifestInvalid` where the catalog does not know what a file
    ///   uses. Then nothing was deleted.
    package func collect(_ body: CollectBody) async throws(DepotError) -> CollectionBody {
        await pool.ready()
        try pool.requireCurrentCatalog()
        let grace = self.grace(body)
        let seconds = Int(clamping: grace.unused.components.seconds)
        if body.planOnly {
            let plan = try await catalog.collectionPlan(grace: grace)
            return CollectionBody(plan: plan, planOnly: true, graceSeconds: seconds)
        }
        var hasBegun = false
        do throws(DepotError) {
            return try await turn.take(for: "a collection", within: context.timing.stallLimit) {
                () async throws(DepotError) in
                hasBegun = true
                if let kept = body.versionSeconds {
                    try await catalog.forgetVersions(keptFor: kept.duration)
                }
                return try await carryOut(grace, graceSeconds: seconds)
            }
        } catch  where !hasBegun {
            throw DepotError(.conflict, "a collection is under way already; wait for it")
        }
    }

    private func carryOut(
        _ grace: CollectionGrace, graceSeconds: Int
    ) async throws(DepotError) -> CollectionBody {
        try await catalog.markUnused()
        try await rewriteRecords()
        let plan = try await catalog.collectionPlan(grace: grace)
        var done = CollectionBody(plan: plan, planOnly: false, graceSeconds: graceSeconds)
        for replica in pool.members.sorted() {
            do throws(DepotError) {
                try await collect(on: replica, grace, &done)
            } catch {
                // What the catalog refuses, it refuses for all.
                guard error.code != .manifestInvalid, error.code != .conflict else { throw error }
                done.skipped[pool.name(of: replica)] = error.description
            }
        }
        return done
    }

    /// What is rewritten goes out with the outbox; what it makes obsolete goes with a later
    /// collection.
    private func rewriteRecords() async throws(DepotError) {
        var position: OutboxPosition?
        repeat {
            position = try await catalog.rewriteRecords(after: position)
        } while position != nil && !Task.isCancelled
    }

    private func grace(_ body: CollectBody) -> CollectionGrace {
        let unused = body.graceSeconds?.duration ?? context.timing.collectionGrace
        return CollectionGrace(
            unused: unused, abandoned: min(unused, context.timing.abandonedGrace))
    }

    private func collect(
        on replica: ReplicaID, _ grace: CollectionGrace, _ done: inout CollectionBody
    ) async throws(DepotError) {
        guard pool.writable.contains(replica) else {
            done.skipped[pool.name(of: replica)] = "it does not take writes now"
            return
        }
        try await deleteUnused(on: replica, grace, &done)
        try await deleteRecords(on: replica, &done)
        let outcome = try await compactor.compact(replica)
        done.compactedSegments += outcome.segments
        done.freedBytes += outcome.freedBytes
        done.pinnedSegments += outcome.pinned
    }

    func deleteUnused(
        on replica: ReplicaID, _ grace: CollectionGrace, _ done: inout CollectionBody
    ) async throws(DepotError) {
        var passed: Set<ChunkID> = []
        while !Task.isCancelled {
            // Those that went are in the list no more, so a page always begins at its front.
            let page = try await catalog.unused(
                for: grace, on: replica, after: nil, limit: Self.pageSize + passed.count)
            let fresh = page.filter { !passed.contains($0.id) }
            guard !fresh.isEmpty else { return }
            let gone = try await dropper.drop(fresh.map(\.id), unusedFor: grace, on: replica)
            done.deletedCopies += gone.count
            done.deletedBytes += fresh.filter { gone.contains($0.id) }
                .reduce(0) { $0 + UInt64($1.length) }
            passed.formUnion(fresh.map(\.id).filter { !gone.contains($0) })
        }
    }

    private func deleteRecords(
        on replica: ReplicaID, _ done: inout CollectionBody
    ) async throws(DepotError) {
        while !Task.isCancelled {
            let page = try await catalog.obsoleteRecords(on: replica, limit: Self.pageSize)
            guard !page.isEmpty else { return }
            let objects = page.map(ObjectID.record)
            let gone = try await pool.ask(replica, within: .barrier) {
                link async throws(DepotError) in
                let token = try await link.condemn(objects)
                return try await link.delete(objects, token: token)
            }
            try await catalog.removeRecords(gone.map(\.hash), on: replica)
            done.deletedRecords += gone.count
            guard !gone.isEmpty else { return }
        }
    }
}
