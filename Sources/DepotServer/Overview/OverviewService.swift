import DepotCluster
import DepotCore
import DepotUpkeep
import DepotWire
import NIOCore

// Figures of the whole depot are read in proportion to it, and the page asks for them as long as
// somebody looks at it, from many browsers at once. So everybody is shown the same snapshot, and it
// is made anew no more often than it costs a small share of the time.

/// Makes what the page shows first, once for everybody.
actor OverviewService {
    struct Snapshot: Sendable {
        /// Another one has another text.
        let version: UInt64
        /// The `OverviewBody`, as JSON.
        let text: ByteBuffer
    }

    /// Between two looks at replicas, and at the figures at the least.
    private static let replicasPeriod = Duration.seconds(1)
    private static let figuresPeriod = Duration.seconds(5)
    /// Replicas are asked what was read back of them.
    private static let coveragePeriod = Duration.seconds(300)
    /// The figures take no more than one part in so many of the time.
    private static let figuresShare = 20
    /// The span of the coverage.
    private static let coverageDays = 30

    private struct Figures: Sendable {
        let totals: CatalogTotals
        let repair: OverviewBody.Repair
    }

    private let context: ServerContext
    private let pool: ReplicaPool
    private let catalog: any FileCatalog & ReplicationCatalog
    private let verifications: VerificationService
    private let describe: @Sendable (CatalogTotals) -> StatusBody
    private let began: Duration

    private var last: Snapshot?
    private var making: Task<Result<Snapshot, DepotError>, Never>?
    private var lookedAt: Duration?
    private var figures: Figures?
    private var figuresDue = Duration.zero
    private var coverage: CoverageBody?
    private var coverageDue = Duration.zero
    private var isCovering = false

    /// - Parameter describe: the status with these totals.
    init(
        context: ServerContext, pool: ReplicaPool, catalog: any FileCatalog & ReplicationCatalog,
        verifications: VerificationService,
        describe: @escaping @Sendable (CatalogTotals) -> StatusBody
    ) {
        self.context = context
        self.pool = pool
        self.catalog = catalog
        self.verifications = verifications
        self.describe = describe
        began = context.clock.elapsed()
    }

    /// As it is now, or was a moment ago.
    func current() async throws(DepotError) -> Snapshot {
        let now = context.clock.elapsed()
        if let last, let lookedAt, now - lookedAt < Self.replicasPeriod { return last }
        // Not cut short by whoever asked first: others wait for the same.
        let making =
            making
            ?? Task { () -> Result<Snapshot, DepotError> in
                do throws(DepotError) {
                    return .success(try await make())
                } catch {
                    return .failure(error)
                }
            }
        self.making = making
        let result = await making.value
        if self.making == making { self.making = nil }
        return try result.get()
    }

    private func make() async throws(DepotError) -> Snapshot {
        await pool.ready()
        let figures = try await currentFigures()
        cover()
        let status = describe(figures.totals)
        let notices = Attention(
            status: status, repair: figures.repair, coverage: coverage,
            runs: context.clock.elapsed() - began,
            verificationAge: context.timing.verificationAge,
            verificationPeriod: context.timing.verificationPeriod
        ).notices
        let text = try WireJSON.encode(
            OverviewBody(
                notices: notices, status: status, repair: figures.repair, coverage: coverage))
        lookedAt = context.clock.elapsed()
        if let last, last.text == text { return last }
        let made = Snapshot(version: (last?.version ?? 0) &+ 1, text: text)
        last = made
        return made
    }

    private func currentFigures() async throws(DepotError) -> Figures {
        let start = context.clock.elapsed()
        if let figures, start < figuresDue { return figures }
        let counting = pool.countedForStatus
        let totals = try await catalog.totals(counting: counting)
        let made = Figures(
            totals: totals, repair: try await repair(totals.underReplicated, counting))
        figures = made
        let now = context.clock.elapsed()
        figuresDue = now + max(Self.figuresPeriod, (now - start) * Self.figuresShare)
        return made
    }

    private func repair(
        _ waiting: Int, _ counting: Set<ReplicaID>
    ) async throws(DepotError) -> OverviewBody.Repair {
        guard waiting > 0 else {
            return OverviewBody.Repair(waiting: 0, unreadable: 0, lastCopies: 0, files: [])
        }
        let worst = try await catalog.shortfall(
            counting: counting, limit: OverviewBody.Repair.lookedAtMax)
        let good = worst.map { $0.copies.good(on: counting).count }
        var files: Set<FileName> = []
        for (chunk, count) in zip(worst, good).prefix(8) where count == 0 {
            files.formUnion(try await catalog.files(using: chunk.reference.id, limit: 3))
        }
        return OverviewBody.Repair(
            waiting: waiting, unreadable: good.count { $0 == 0 },
            lastCopies: good.count { $0 == 1 }, files: Array(files.sorted().prefix(3)))
    }

    /// Has replicas asked, if it is time, while nobody waits for their answers.
    private func cover() {
        let now = context.clock.elapsed()
        guard now >= coverageDue, !isCovering else { return }
        isCovering = true
        Task {
            var found: CoverageBody?
            do throws(DepotError) {
                found = try await verifications.coverage(days: Self.coverageDays)
            } catch {
                context.logger.debug("no coverage now", metadata: ["why": "\(error)"])
            }
            covered(found)
        }
    }

    private func covered(_ found: CoverageBody?) {
        isCovering = false
        coverage = found ?? coverage
        coverageDue = context.clock.elapsed() + Self.coveragePeriod
    }

    /// Something was verified or collected: the next snapshot looks again.
    func look() {
        coverageDue = .zero
        figuresDue = .zero
    }
}
