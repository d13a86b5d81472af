import DepotCluster
import DepotCore

/// What decides who belongs to the cluster, put together.
package struct MembershipParts: Sendable {
    package let simulation: LossSimulation
    package let drains: DrainService
    package let removal: MemberRemoval
    private let rejoins: RejoinReconciliation

    init(cluster: ClusterParts, catalog: any Catalog) {
        let (context, pool) = (cluster.context, cluster.pool)
        simulation = LossSimulation(pool: pool, catalog: catalog)
        drains = DrainService(
            context: context, pool: pool, catalog: catalog,
            worker: DrainWorker(
                pool: pool, catalog: catalog, copier: cluster.verifiedCopier,
                dropper: cluster.dropper, deliverer: cluster.deliverer))
        removal = MemberRemoval(
            context: context, pool: pool, catalog: catalog, simulation: simulation, drains: drains)
        rejoins = RejoinReconciliation(
            context: context, pool: pool, catalog: catalog, comparer: cluster.comparer,
            manifests: cluster.manifests)
    }

    func work() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await drains.run() }
            group.addTask { await rejoins.run() }
        }
    }
}
