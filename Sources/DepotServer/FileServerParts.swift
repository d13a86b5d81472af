import DepotCore
import Logging

/// The services of one FileServer, put together.
struct FileServerParts: Sendable {
    let pool: ReplicaPool
    let monitor: ReplicaMonitor
    let inspector: CopyInspector
    let watch: CatalogWatch
    let chores: Chores
    let deposits: DepositService
    let intake: FileIntake
    let retrievals: RetrievalService
    let contents: ContentService
    let files: FileService
    let levels: LevelChange
    let repair: RepairService
    let verifications: VerificationService
    let collection: CollectionService
    let membership: MembershipParts
    let receipts: ReceiptProver
    /// For deposits.
    let budget: MemoryBudget

    init(
        configuration: FileServerConfiguration, catalog: any Catalog, links: FileServer.Links,
        clock: ServerClock, logger: Logger
    ) async throws(DepotError) {
        let cluster = try await catalog.cluster()
        let members = try await catalog.members()
        pool = ReplicaPool(
            seats: try Self.seats(configuration.replicas, members, cluster, links),
            members: members, cluster: cluster, timing: configuration.timing, clock: clock,
            logger: logger, draining: try await catalog.draining(),
            forgotten: try await catalog.forgotten())
        let comparer = InventoryComparer(pool: pool, catalog: catalog)
        monitor = ReplicaMonitor(
            pool: pool, catalog: catalog, comparer: comparer,
            prover: HoldingProver(pool: pool, catalog: catalog))
        inspector = CopyInspector(pool: pool, catalog: catalog)
        watch = CatalogWatch(pool: pool, catalog: catalog)
        budget = MemoryBudget(size: configuration.limits.depositMemory)
        let retrievalBudget = MemoryBudget(size: configuration.limits.retrievalMemory)
        let workBudget = MemoryBudget(size: configuration.limits.workMemory)
        let fetcher = ChunkFetcher(pool: pool, catalog: catalog, inspector: inspector)
        let manifests = ManifestReader(fetcher: fetcher, budget: workBudget)
        let copier = ChunkCopier(fetcher: fetcher, pool: pool, budget: workBudget)
        let maker = CopyMaker(
            pool: pool, catalog: catalog, copier: copier, inspector: inspector)
        let dropper = CopyDropper(pool: pool, catalog: catalog, inspector: inspector)
        let deliverer = RecordDeliverer(pool: pool, catalog: catalog)
        chores = Chores(pool: pool, deliverer: deliverer, dropper: dropper)
        deposits = DepositService(
            pool: pool, catalog: catalog,
            sessions: DepositSessions(countMax: configuration.limits.sessions), copier: copier,
            manifests: manifests, deliverer: deliverer)
        intake = FileIntake(service: deposits, chunker: ContentChunker(), budget: budget)
        retrievals = RetrievalService(
            pool: pool, catalog: catalog, fetcher: fetcher, inspector: inspector,
            budget: retrievalBudget)
        contents = ContentService(
            pool: pool, catalog: catalog, fetcher: fetcher, manifests: manifests,
            budget: retrievalBudget)
        levels = LevelChange(
            pool: pool, catalog: catalog, maker: maker, dropper: dropper, deliverer: deliverer)
        let unused = UnusedDropper(pool: pool, catalog: catalog)
        let repair = RepairService(
            pool: pool, catalog: catalog, maker: maker, dropper: dropper, inspector: inspector,
            unused: unused)
        self.repair = repair
        collection = CollectionService(
            pool: pool, catalog: catalog, dropper: unused, compactor: Compactor(pool: pool))
        verifications = VerificationService(pool: pool, catalog: catalog) { [pool] log in
            VerificationRun(
                pool: pool, catalog: catalog,
                comparer: comparer, repair: repair,
                segments: SegmentMender(pool: pool, catalog: catalog),
                records: RecordMender(pool: pool, catalog: catalog, deliverer: deliverer), log: log)
        }
        membership = MembershipParts(
            pool: pool, catalog: catalog, maker: maker, dropper: dropper, deliverer: deliverer,
            manifests: manifests)
        receipts = ReceiptProver(
            pool: pool, catalog: catalog, manifests: manifests, inspector: inspector)
        files = FileService(pool: pool, catalog: catalog, deliverer: deliverer, levels: levels)
    }

    /// One for each configured address, and one for each member whose address is not configured: membership is
    /// the catalog's, the configuration only adds to it.
    private static func seats(
        _ configured: [ReplicaConfiguration], _ members: [Member], _ cluster: ClusterIdentity,
        _ links: FileServer.Links
    ) throws(DepotError) -> [ReplicaSeat] {
        var seats: [ReplicaSeat] = []
        var urls: Set<String> = []
        for replica in configured {
            guard urls.insert(replica.url).inserted else {
                throw DepotError(
                    .invalidArgument, "this replica is configured twice", object: replica.url)
            }
            let member = members.first { $0.url == replica.url }
            seats.append(
                ReplicaSeat(
                    url: replica.url,
                    givenName: replica.name,
                    fallbackName: ReplicaSeat.authority(of: replica.url),
                    zone: replica.zone, capacity: replica.capacity, isConfigured: true,
                    member: member?.replica, link: try links(replica, cluster)))
        }
        for member in members where !urls.contains(member.url) {
            let replica = ReplicaConfiguration(url: member.url, name: member.name)
            seats.append(
                ReplicaSeat(
                    url: member.url, givenName: nil, fallbackName: member.name, zone: member.zone,
                    capacity: member.capacity, isConfigured: false, member: member.replica,
                    link: try links(replica, cluster)))
        }
        return seats
    }

    /// Everything that goes on without a request.
    func work() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await monitor.run() }
            group.addTask { await inspector.run() }
            group.addTask { await watch.run() }
            group.addTask { await chores.run() }
            group.addTask { await repair.run() }
            group.addTask { await collection.run() }
            group.addTask { await verifications.run() }
            group.addTask { await membership.work() }
        }
    }
}
