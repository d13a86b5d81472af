import DepotCore

/// What decides who belongs to the cluster, put together.
struct MembershipParts: Sendable {
    let simulation: LossSimulation
    let drains: DrainService
    let forgetting: Forgetting
    let returns: ReturnInventory

    init(
        pool: ReplicaPool, catalog: any Catalog, maker: CopyMaker, dropper: CopyDropper,
        deliverer: RecordDeliverer, manifests: ManifestReader
    ) {
        simulation = LossSimulation(pool: pool, catalog: catalog)
        drains = DrainService(
            pool: pool, catalog: catalog,
            emptier: ReplicaEmptier(
                pool: pool, catalog: catalog, maker: maker, dropper: dropper, deliverer: deliverer))
        forgetting = Forgetting(
            pool: pool, catalog: catalog, simulation: simulation, drains: drains)
        returns = ReturnInventory(pool: pool, catalog: catalog, manifests: manifests)
    }

    func work() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await drains.run() }
            group.addTask { await returns.run() }
        }
    }
}
