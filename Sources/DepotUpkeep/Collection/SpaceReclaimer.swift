import DepotCluster
import DepotCore
import DepotWire

// A deposit that is refused, for want of room above all, leaves on the disks what it had sent: some
// of it vouched for, some in no catalog at all. Nobody was told that it is kept, and yet it kept
// the disk full for everybody, for a day or until somebody verified and collected. So when a
// deposit ends, what it brought for nothing goes at once from disks that have no room, and its
// segment with it, be it the open one; from the others after the grace time for what was abandoned.

/// Gives back, on disks that are full, what deposits brought for nothing.
package final class SpaceReclaimer: Sendable {
    /// Copies of one deletion.
    private static let batchSize = 1_000
    /// Rest for each unit of work, and at most: that look goes over everything, and a disk that is
    /// filled again and again must not make it a habit.
    private static let restShare = 4
    private static let restMax = Duration.seconds(60)

    private let context: ServerContext
    private let pool: ReplicaPool
    private let catalog: any CollectionCatalog & DepositCatalog
    private let deposits: any UnsettledDeposits
    private let collection: CollectionService
    private let bell: AsyncStream<Void>
    private let ring: AsyncStream<Void>.Continuation

    init(
        context: ServerContext, pool: ReplicaPool, catalog: any CollectionCatalog & DepositCatalog,
        deposits: any UnsettledDeposits, collection: CollectionService
    ) {
        self.context = context
        self.pool = pool
        self.catalog = catalog
        self.deposits = deposits
        self.collection = collection
        (bell, ring) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// A deposit has ended.
    package func wake() { ring.yield() }

    /// Reclaims when a deposit was closed, and now and then for leases that ended by themselves.
    func run() async {
        await pool.ready()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [context, ring] in
                while await context.clock.pause(context.timing.chorePeriod) { ring.yield() }
            }
            for await _ in bell {
                if Task.isCancelled { break }
                let began = context.clock.elapsed()
                do throws(DepotError) {
                    guard try await reclaim() else { continue }
                    // Nobody waits for it: the collection's turn was given back.
                    let took = context.clock.elapsed() - began
                    _ = await context.clock.pause(min(took * Self.restShare, Self.restMax))
                } catch {
                    if Task.isCancelled { break }
                    context.logger.debug("nothing is reclaimed now", metadata: ["why": "\(error)"])
                }
            }
            group.cancelAll()
        }
    }

    /// - Returns: whether it looked for what can go.
    private func reclaim() async throws(DepotError) -> Bool {
        try pool.requireCurrentCatalog()
        for deposit in deposits.unsettled {
            do throws(DepotError) {
                _ = try await catalog.depositLevel(deposit)
            } catch  where error.code == .leaseEnded {
                deposits.close(deposit)
            }
        }
        var found: [ReplicaID: Set<ChunkID>] = [:]
        for replica in pool.short.sorted() {
            let strays = deposits.strays(on: replica)
            let abandoned = try await catalog.unused(
                for: grace, on: replica, after: nil, limit: 1)
            if !strays.isEmpty || !abandoned.isEmpty { found[replica] = strays }
        }
        guard !found.isEmpty else { return false }
        let work = found.sorted { $0.key < $1.key }
        let done: Void? = try await collection.turn.takeIfFree { () async throws(DepotError) in
            // Compares indexes with their tables: nothing goes on the word of one alone.
            try await catalog.markUnused()
            for (replica, strays) in work { try await reclaim(on: replica, strays) }
        }
        return done != nil
    }

    private var grace: CollectionGrace {
        CollectionGrace(unused: context.timing.collectionGrace, abandoned: .zero)
    }

    private func reclaim(
        on replica: ReplicaID, _ strays: Set<ChunkID>
    ) async throws(DepotError) {
        var done = CollectionBody(plan: CollectionPlan(), planOnly: false, graceSeconds: 0)
        for batch in strays.sorted().batches(of: Self.batchSize) {
            done.deletedCopies += try await collection.dropper.dropStrays(
                Array(batch), on: replica)
            deposits.forget(strays: batch, on: replica)
        }
        try await collection.deleteUnused(on: replica, grace, &done)
        guard done.deletedCopies > 0 else { return }
        let freed = try await collection.compactor.compact(replica).freedBytes
        // It said that it was full when it was.
        if freed > 0 { pool.node(of: replica)?.note { $0.mayHaveRoom() } }
        context.logger.notice(
            "gave back what deposits brought for nothing",
            metadata: [
                "replica": "\(pool.name(of: replica))", "copies": "\(done.deletedCopies)",
                "freed": "\(freed)",
            ])
    }
}
