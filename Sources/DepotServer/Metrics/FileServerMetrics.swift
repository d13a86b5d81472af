import DepotCluster
import DepotCore
import DepotMetrics
import DepotWire

/// What monitoring is told of a FileServer. What it counts is in the registry, how things are is
/// looked at when somebody asks, and what takes a look at the whole catalog was found lately.
struct FileServerMetrics: Sendable {
    let pool: ReplicaPool
    let places: ConnectionRegistry
    let budgets: [BudgetName: MemoryBudget]
    private let registry: MetricRegistry
    private let version: String
    private let tls: ServerTLS?
    private let census: LatelyFound<CatalogCensus>

    init(
        _ configuration: FileServerConfiguration, pool: ReplicaPool, places: ConnectionRegistry,
        budgets: [BudgetName: MemoryBudget], catalog: any CensusCatalog
    ) {
        self.pool = pool
        self.places = places
        self.budgets = budgets
        registry = configuration.metrics
        version = configuration.version
        tls = configuration.tls
        census = LatelyFound(
            elapsed: pool.context.clock.elapsed,
            find: {
                await pool.ready()
                return try await catalog.census(
                    counting: pool.countedForStatus, repairing: pool.countedForRepair)
            })
    }

    /// Takes the census when somebody has asked, until the task is cancelled.
    func work() async { await census.run() }

    /// Does not wait for the catalog, nor for a replica.
    func exposition() -> String {
        var samples = CollectedSamples()
        samples.set(
            .buildInfo, LabelValue(DaemonRole.fileserver), LabelValue(version: version), to: 1)
        samples.add(ProcessUsage.now())
        samples.set(.connections, to: places.count)
        samples.set(.connectionsMax, to: places.countMax)
        samples.set(.refusedRequests, to: places.refusals)
        for (name, budget) in budgets { budget.collect(into: &samples, as: name) }
        if let tls { samples.set(.certificateExpiry, to: tls.expires) }
        pool.collect(into: &samples)
        if let found = census.last() { collect(found, into: &samples) }
        return registry.exposition(with: samples)
    }

    private func collect(
        _ found: LatelyFound<CatalogCensus>.Finding, into samples: inout CollectedSamples
    ) {
        let census = found.value
        samples.set(.censusAge, to: found.age / .seconds(1))
        samples.set(.censusDuration, to: found.took / .seconds(1))
        samples.add(census.totals)
        samples.set(.unreadable, to: census.unreadable)
        samples.set(.repairQueue, to: census.toRepair)
        samples.set(.degradedFiles, to: census.degradedFiles)
        samples.set(.depositsOpen, to: census.deposits)
        samples.set(.retrievalsOpen, to: census.retrievals)
        samples.set(.recordsPending, to: census.pendingRecords)
        let labels = pool.labels
        for (replica, held) in census.holdings {
            guard let label = labels[replica] else { continue }
            for state in HoldingState.allCases {
                samples.set(.holdings, label, LabelValue(state), to: held[state] ?? 0)
            }
        }
        for (replica, scrub) in census.scrubs {
            guard let label = labels[replica] else { continue }
            samples.set(.scrubSegments, label, to: scrub.segments)
            samples.set(.scrubUnread, label, to: scrub.unread)
            // It grows while nobody looks.
            if let oldest = scrub.oldest {
                samples.set(.scrubAge, label, to: (oldest + found.age) / .seconds(1))
            }
        }
    }
}

extension CollectedSamples {
    fileprivate mutating func add(_ totals: CatalogTotals) {
        set(.files, to: totals.files)
        set(.versions, to: totals.versions)
        set(.logicalBytes, to: totals.logicalBytes)
        set(.uniqueBytes, to: totals.uniqueBytes)
        set(.storedBytes, to: totals.storedBytes)
        set(.versionBytes, to: totals.versionBytes)
        set(.underReplicated, to: totals.underReplicated)
    }
}
