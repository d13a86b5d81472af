import DepotCore
import DepotWire

/// Replicas as a FileServer sees them, with the services that read, copy, inspect and drop what
/// they hold; put together.
package struct ClusterParts: Sendable {
    package let context: ServerContext
    package let pool: ReplicaPool
    package let inspector: CopyInspector
    package let comparer: InventoryComparer
    package let fetcher: ChunkFetcher
    package let manifests: ManifestReader
    package let copier: ChunkCopier
    package let verifiedCopier: VerifiedCopier
    package let dropper: CopyDropper
    package let leveler: CopyLeveler
    package let deliverer: RecordDeliverer
    /// For what the FileServer does itself.
    package let budget: MemoryBudget
    private let monitor: ReplicaMonitor
    private let watch: CatalogWatch

    /// - Parameter workMemory: bytes of content that copying and reading manifests may hold at
    ///   once.
    package init(
        context: ServerContext, pool: ReplicaPool, catalog: any Catalog, workMemory: Int
    ) {
        self.context = context
        self.pool = pool
        budget = MemoryBudget(size: workMemory)
        inspector = CopyInspector(context: context, pool: pool, catalog: catalog)
        comparer = InventoryComparer(context: context, pool: pool, catalog: catalog)
        fetcher = ChunkFetcher(
            context: context, pool: pool, catalog: catalog, inspector: inspector)
        manifests = ManifestReader(fetcher: fetcher, budget: budget)
        copier = ChunkCopier(fetcher: fetcher, pool: pool, budget: budget)
        verifiedCopier = VerifiedCopier(
            pool: pool, catalog: catalog, copier: copier, inspector: inspector)
        dropper = CopyDropper(
            context: context, pool: pool, catalog: catalog, inspector: inspector)
        leveler = CopyLeveler(pool: pool, copier: verifiedCopier, dropper: dropper)
        deliverer = RecordDeliverer(pool: pool, catalog: catalog)
        monitor = ReplicaMonitor(
            context: context, pool: pool,
            greeting: ReplicaGreeting(context: context, pool: pool, catalog: catalog),
            comparer: comparer,
            prover: HoldingProver(context: context, pool: pool, catalog: catalog))
        watch = CatalogWatch(context: context, pool: pool, catalog: catalog)
    }

    /// Watches replicas and catalog until the task is cancelled.
    package func work() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await monitor.run() }
            group.addTask { await inspector.run() }
            group.addTask { await watch.run() }
        }
    }
}

extension ReplicaPool {
    /// The pool of a FileServer that starts: the catalog's members, at the addresses that are
    /// configured and those that the catalog knows. The start claims to be the one that writes.
    ///
    /// - Throws: `invalidArgument` where an address is configured twice; whatever the catalog
    ///   throws.
    package convenience init(
        configured: [ReplicaConfiguration], catalog: any ClusterCatalog & MembershipCatalog,
        links: ReplicaLinks,
        context: ServerContext
    ) async throws(DepotError) {
        let known = try await catalog.cluster()
        let claim = try await catalog.makeClaim()
        let cluster = ClusterIdentity(
            cluster: known.cluster, epoch: known.epoch, writer: claim)
        let members = try await catalog.members()
        self.init(
            nodes: try ReplicaNode.all(
                configured, members: members, cluster: cluster, links: links), members: members,
            cluster: cluster, context: context, draining: try await catalog.draining(),
            forgotten: try await catalog.forgotten(),
            revision: try await catalog.memberRevision())
        // The sequences of a catalog's first start have nothing to begin behind.
        if claim.number == 1 { note(begun: .success(try await catalog.highestSequence())) }
    }
}

extension ReplicaNode {
    /// One for each configured address, and one for each member whose address is not configured:
    /// membership is the catalog's, the configuration only adds to it.
    fileprivate static func all(
        _ configured: [ReplicaConfiguration], members: [Member], cluster: ClusterIdentity,
        links: ReplicaLinks
    ) throws(DepotError) -> [ReplicaNode] {
        var nodes: [ReplicaNode] = []
        var urls: Set<String> = []
        for replica in configured {
            guard urls.insert(replica.url).inserted else {
                throw DepotError(
                    .invalidArgument, "this replica is configured twice", object: replica.url)
            }
            let member = members.first { $0.url == replica.url }
            nodes.append(
                ReplicaNode(
                    replica, member: member?.replica, link: try links(replica, cluster)))
        }
        for member in members where !urls.contains(member.url) {
            let replica = ReplicaConfiguration(url: member.url, name: member.name)
            nodes.append(ReplicaNode(of: member, link: try links(replica, cluster)))
        }
        return nodes
    }
}
