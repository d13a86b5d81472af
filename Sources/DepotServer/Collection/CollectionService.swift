import DepotCore
import DepotWire

// Collection decides by the catalog alone, and the catalog refuses where it does not know everything: then nothing is
// deleted. Every deletion passes its gate by itself, so deposits go on meanwhile, and a collection that ends in the
// middle has done what it has done.

/// Deletes what nobody uses, after a grace time, and has the space given back.
struct CollectionService: Sendable {
    /// Copies of one deletion.
    private static let pageSize = 1_000

    let pool: ReplicaPool
    let catalog: any Catalog
    let dropper: UnusedDropper
    let compactor: Compactor
    /// One at a time: two would do the same work twice.
    let turn = MemoryBudget(size: 1)

    /// Collects now and then, for as long as the FileServer runs.
    func run() async {
        while await pool.clock.pause(pool.timing.collectionPeriod) {
            do throws(DepotError) {
                let done = try await collect(CollectBody(planOnly: false, graceSeconds: nil))
                guard done.deletedCopies + done.compactedSegments > 0 else { continue }
                pool.logger.notice(
                    "collection",
                    metadata: [
                        "copies": "\(done.deletedCopies)", "bytes": "\(done.deletedBytes)",
                        "freed": "\(done.freedBytes)",
                    ])
            } catch {
                if Task.isCancelled { return }
                pool.logger.warning("nothing was collected", metadata: ["why": "\(error)"])
            }
        }
    }

    /// - Throws: `conflict` where the catalog is partial or read-only, `manifestInvalid` where it does not know what a
    ///   file uses; then nothing was deleted.
    func collect(_ body: CollectBody) async throws(DepotError) -> CollectionBody {
        await pool.ready()
        try pool.requireCurrentCatalog()
        let grace = body.graceSeconds.map { Duration.seconds($0) } ?? pool.timing.collectionGrace
        let seconds = Int(clamping: grace.components.seconds)
        if body.planOnly {
            let plan = try await catalog.collectionPlan(grace: grace)
            return CollectionBody(plan: plan, planOnly: true, graceSeconds: seconds)
        }
        guard let reservation = turn.tryReserve(1) else {
            throw DepotError(.conflict, "a collection is under way already; wait for it")
        }
        defer { withExtendedLifetime(reservation) {} }
        try await catalog.markUnused()
        let plan = try await catalog.collectionPlan(grace: grace)
        var done = CollectionBody(plan: plan, planOnly: false, graceSeconds: seconds)
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

    private func collect(
        on replica: ReplicaID, _ grace: Duration, _ done: inout CollectionBody
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

    private func deleteUnused(
        on replica: ReplicaID, _ grace: Duration, _ done: inout CollectionBody
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
            let gone = try await pool.ask(replica, limit: pool.timing.barrierLimit) {
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
