import DepotCluster
import DepotCore

/// What keeps files whole without a client's request, put together.
package struct UpkeepParts: Sendable {
    private let repair: RepairService
    package let verifications: VerificationService
    package let collection: CollectionService
    package let reclaimer: SpaceReclaimer
    package let membership: MembershipParts
    package let receipts: ReceiptProver
    private let outbox: OutboxWorker

    /// - Parameter deposits: what deposits sent to replicas, as far as it is not settled.
    package init(
        cluster: ClusterParts, catalog: any Catalog, deposits: any UnsettledDeposits
    ) {
        let (context, pool) = (cluster.context, cluster.pool)
        outbox = OutboxWorker(
            context: context, pool: pool, deliverer: cluster.deliverer, dropper: cluster.dropper)
        let unused = UnusedDropper(pool: pool, catalog: catalog)
        let repair = RepairService(
            context: context, pool: pool, catalog: catalog, leveler: cluster.leveler,
            dropper: cluster.dropper, inspector: cluster.inspector, unused: unused)
        self.repair = repair
        collection = CollectionService(
            context: context, pool: pool, catalog: catalog, dropper: unused,
            compactor: Compactor(pool: pool))
        reclaimer = SpaceReclaimer(
            context: context, pool: pool, catalog: catalog, deposits: deposits,
            collection: collection)
        verifications = VerificationService(context: context, pool: pool, catalog: catalog) { log in
            VerificationRun(
                context: context, pool: pool, catalog: catalog, comparer: cluster.comparer,
                repair: repair,
                segments: SegmentMender(context: context, pool: pool, catalog: catalog),
                records: RecordMender(
                    context: context, pool: pool, catalog: catalog, deliverer: cluster.deliverer),
                log: log)
        }
        membership = MembershipParts(cluster: cluster, catalog: catalog)
        receipts = ReceiptProver(
            pool: pool, catalog: catalog, manifests: cluster.manifests,
            inspector: cluster.inspector)
    }

    /// Works until the task is cancelled.
    package func work() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await outbox.run() }
            group.addTask { await repair.run() }
            group.addTask { await collection.run() }
            group.addTask { await reclaimer.run() }
            group.addTask { await verifications.run() }
            group.addTask { await membership.work() }
        }
    }
}
