import DepotCore
import DepotMetrics
import DepotWire

/// What monitoring is told of a replica: what it counts, how its store is when somebody asks, and
/// what a look at all segments has found lately.
struct ReplicaMetrics: Sendable {
    /// All segments of a store.
    private struct SegmentTotals: Sendable {
        let count: Int
        let bytes: UInt64
        let liveBytes: UInt64

        init(of segments: [SegmentInfo]) {
            count = segments.count
            bytes = segments.total { $0.bytes }
            liveBytes = segments.total { $0.liveBytes }
        }
    }

    /// Segments of one look: those of a disk of many terabytes.
    private static let segmentsMax = 100_000

    let requests: RequestMetrics
    private let registry: MetricRegistry
    private let version: String
    private let storage: MeasuredStorage
    private let budget: ByteBudget
    private let policy: RequestPolicy
    private let segments: LatelyFound<SegmentTotals>

    init(
        _ configuration: ReplicaServerConfiguration, storage: MeasuredStorage, budget: ByteBudget,
        policy: RequestPolicy
    ) {
        registry = configuration.metrics
        version = configuration.version
        requests = RequestMetrics(of: ReplicaRoute.self, from: configuration.metrics)
        self.storage = storage
        self.budget = budget
        self.policy = policy
        let start = ContinuousClock.now
        segments = LatelyFound(
            elapsed: { start.duration(to: .now) },
            find: {
                let all = try await storage.segments(after: nil, limit: Self.segmentsMax)
                return SegmentTotals(of: all)
            })
    }

    /// Looks at the segments when somebody has asked, until the task is cancelled.
    func work() async { await segments.run() }

    /// A store that cannot say how it is counts as one that takes no writes.
    func exposition() async -> String {
        var samples = CollectedSamples()
        samples.set(
            .buildInfo, LabelValue(DaemonRole.replica), LabelValue(version: version), to: 1)
        samples.add(ProcessUsage.now())
        samples.set(.connections, to: policy.places.count)
        samples.set(.connectionsMax, to: policy.places.countMax)
        samples.set(.refusedRequests, to: policy.places.refusals)
        let objects = LabelValue(BudgetName.objects)
        samples.set(.budgetBytes, objects, to: budget.size)
        samples.set(.budgetUsedBytes, objects, to: budget.size - budget.free)
        samples.set(.budgetWaiting, objects, to: budget.waiting)
        if let tls = policy.tls { samples.set(.certificateExpiry, to: tls.expires) }
        await addStanding(to: &samples)
        if let time = storage.lastScrub { samples.set(.scrubTime, to: time) }
        if let totals = segments.last()?.value {
            samples.set(.storeSegments, to: totals.count)
            samples.set(.storeLive, to: totals.liveBytes)
            samples.set(.storeGarbage, to: totals.bytes - min(totals.bytes, totals.liveBytes))
        }
        return registry.exposition(with: samples)
    }

    private func addStanding(to samples: inout CollectedSamples) async {
        do throws(DepotError) {
            let standing = try await storage.standing()
            samples.set(.storeWritable, to: standing.writable)
            samples.set(.storeCapacity, to: standing.capacity)
            samples.set(.storeUsed, to: standing.usedBytes)
            samples.set(.storeFree, to: standing.freeBytes)
            samples.set(.storeChunks, to: standing.chunks)
        } catch {
            samples.set(.storeWritable, to: false)
        }
    }
}
