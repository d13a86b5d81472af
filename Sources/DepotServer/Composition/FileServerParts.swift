import DepotCluster
import DepotCore
import DepotMetrics
import DepotPage
import DepotUpkeep
import DepotWire
import Logging

/// The services of one FileServer, put together.
struct FileServerParts: Sendable {
    let context: ServerContext
    let deposits: DepositService
    let uploads: FileUpload
    let retrievals: RetrievalService
    let contents: ContentService
    let files: FileService
    let folders: FolderService
    let versions: VersionService
    let retention: RetentionService
    let levels: LevelChange
    let upkeep: UpkeepParts
    /// Who comes in.
    let access: AccessTable
    let tokens: TokenService
    /// Connections.
    let places: ConnectionRegistry
    let metrics: FileServerMetrics
    let door: FrontDoor
    let page: PageAsset
    let interface: PageAsset
    let overview: OverviewService
    let events: EventStreams
    let traffic: TrafficRing
    /// Who counts requests.
    let observers: [any RequestObserver]
    /// For deposits.
    let budget: MemoryBudget
    /// For bodies that are read whole.
    let bodyBudget: MemoryBudget
    /// Uploads that go on to replicas while they arrive. A slow client would keep a connection to
    /// each of them; so beyond these, uploads are sent on when they are whole, and enough
    /// connections stay for everything else.
    let earlyUploads = MemoryBudget(size: 12)
    private let cluster: ClusterParts

    init(
        configuration: FileServerConfiguration, catalog: any Catalog, links: ReplicaLinks,
        clock: ServerClock, logger: Logger
    ) async throws(DepotError) {
        let limits = configuration.limits
        access = AccessTable(administrator: configuration.token, time: clock.timestamp)
        tokens = try TokenService(
            table: access, keeper: configuration.tokens, time: clock.timestamp)
        traffic = TrafficRing(elapsed: clock.elapsed)
        context = ServerContext(
            timing: configuration.timing, clock: clock, logger: logger,
            metrics: WorkMetrics(from: configuration.metrics))
        let pool = try await ReplicaPool(
            configured: configuration.replicas, catalog: catalog, links: links, context: context)
        door = FrontDoor(
            access: access, sessions: PageSessions(elapsed: clock.elapsed),
            cookie: SessionCookie(
                cluster: pool.cluster.cluster, isSecure: configuration.tls != nil))
        interface = try PageAsset.interface()
        page = try PageAsset.page(
            version: configuration.version, cluster: pool.cluster.cluster.description)
        cluster = ClusterParts(
            context: context, pool: pool, catalog: catalog, workMemory: limits.workMemory)
        budget = MemoryBudget(sharedByClients: limits.depositMemory)
        bodyBudget = MemoryBudget(sharedByClients: limits.bodyMemory)
        let retrievalBudget = MemoryBudget(sharedByClients: limits.retrievalMemory)
        let sessions = DepositSessions(countMax: limits.sessions)
        upkeep = UpkeepParts(cluster: cluster, catalog: catalog, deposits: sessions)
        deposits = DepositService(
            context: context, pool: pool, catalog: catalog, sessions: sessions,
            openDeposits: OpenDeposits(
                ofOneMax: limits.depositsOfOne, lease: configuration.timing.depositLease,
                elapsed: clock.elapsed),
            copier: cluster.copier, manifests: cluster.manifests, deliverer: cluster.deliverer,
            isOver: { [reclaimer = upkeep.reclaimer] in reclaimer.wake() })
        uploads = FileUpload(service: deposits, chunker: ContentChunker(), budget: budget)
        retrievals = RetrievalService(
            context: context, pool: pool, catalog: catalog, fetcher: cluster.fetcher,
            inspector: cluster.inspector, budget: retrievalBudget)
        contents = ContentService(
            context: context, pool: pool, catalog: catalog, fetcher: cluster.fetcher,
            manifests: cluster.manifests, budget: retrievalBudget)
        levels = LevelChange(
            context: context, pool: pool, catalog: catalog, leveler: cluster.leveler,
            deliverer: cluster.deliverer)
        files = FileService(
            context: context, pool: pool, catalog: catalog, deliverer: cluster.deliverer,
            leveler: cluster.leveler,
            certificateDaysLeft: { [tls = configuration.tls] in tls?.daysLeft })
        folders = FolderService(pool: pool, catalog: catalog)
        overview = OverviewService(
            context: context, pool: pool, catalog: catalog, verifications: upkeep.verifications,
            describe: { [files, version = configuration.version] totals in
                // Whoever is shown the overview may read everything.
                files.status(version: version, totals: totals, namesFiles: true)
            })
        events = EventStreams(connections: limits.connections, clock: clock) {
            [overview] () throws(DepotError) in try await overview.current()
        }
        versions = VersionService(
            context: context, pool: pool, catalog: catalog, deliverer: cluster.deliverer)
        retention = RetentionService(
            context: context, pool: pool, catalog: catalog, deliverer: cluster.deliverer,
            breaksLocks: configuration.breaksLocks)
        places = ConnectionRegistry(
            countMax: DescriptorLimit.connections(atMost: limits.connections))
        metrics = FileServerMetrics(
            configuration, pool: pool, places: places,
            budgets: [
                .deposits: budget, .retrievals: retrievalBudget, .bodies: bodyBudget,
                .work: cluster.budget,
            ], catalog: catalog)
        observers = [RouteMetrics(from: configuration.metrics), traffic]
    }

    /// Everything that goes on without a request.
    func work() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await cluster.work() }
            group.addTask { await upkeep.work() }
            group.addTask { await metrics.work() }
            group.addTask { await events.run() }
        }
    }
}
