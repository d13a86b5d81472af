import DepotCluster
import DepotCore
import DepotMetrics

// What is below its target is brought back, the chunk with the fewest good copies first, for as
// long as anything can be done. Sources are hashed on the way, destinations vouch, and a copy that
// is known to be bad goes only when the chunk is whole without it. What cannot be helped now is
// left for the next round.

/// What a round of repair did, and what is left to do.
struct RepairReport: Sendable {
    var copies = 0
    var bytesCopied: UInt64 = 0
    /// Copies that are not needed any more, bad ones among them.
    var drops = 0
    /// Chunks that are below their target still, and those of them that nobody has a good copy of.
    var underReplicated = 0
    var unreadable = 0

    /// Whether there was nothing to do.
    var isIdle: Bool { copies + drops + underReplicated == 0 }
}

/// Brings chunks and records to their targets.
struct RepairService: Sendable {
    /// Chunks that are planned at once: the worst of all.
    private static let pageSize = 512
    /// So many that cannot be helped are passed over; with more, a round ends.
    private static let stuckMax = 8_192
    /// Looking for work takes a scan of the catalog: no more than this share of the time goes into
    /// it.
    private static let scanShare = 20

    let context: ServerContext
    let pool: ReplicaPool
    let catalog:
        any CopyCatalog & RecordCatalog & ReplicationCatalog & CollectionCatalog
            & RestorationCatalog
    let leveler: CopyLeveler
    let dropper: CopyDropper
    let inspector: CopyInspector
    let unused: UnusedDropper
    /// One round at a time: two would make the same copies.
    private let turn = Turn()

    /// Repairs for as long as the FileServer runs.
    func run() async {
        await pool.ready()
        var pause = context.timing.repairPeriod
        while await context.clock.pause(pause) {
            let began = context.clock.elapsed()
            do throws(DepotError) {
                let report = try await round(isPaced: true)
                note(report)
                let took = context.clock.elapsed() - began
                // A round with work to do was slow for the work, or for a replica that it waited
                // for in vain.
                pause = report.isIdle ? took * Self.scanShare : took
            } catch {
                if Task.isCancelled { return }
                context.logger.warning("repair did not get far", metadata: ["error": "\(error)"])
                pause = .zero
            }
            pause = max(pause, context.timing.repairPeriod)
            pause = min(pause, context.timing.repairPeriod * 30)
        }
    }

    private func note(_ report: RepairReport) {
        guard report.copies + report.drops + report.unreadable > 0 else { return }
        context.logger.log(
            level: report.unreadable > 0 ? .error : .notice, "repair",
            metadata: [
                "copies": "\(report.copies)", "bytes": "\(report.bytesCopied)",
                "drops": "\(report.drops)", "left": "\(report.underReplicated)",
                "unreadable": "\(report.unreadable)",
            ])
    }

    /// Does what can be done now.
    ///
    /// - Parameter isPaced: leaves half of the time to others, unless a chunk has only one good
    ///   copy.
    func round(isPaced: Bool) async throws(DepotError) -> RepairReport {
        try pool.requireCurrentCatalog()
        return try await turn.take(for: "repair", within: context.timing.compactionLimit) {
            () async throws(DepotError) in
            let report = try await carryOut(isPaced: isPaced)
            context.metrics.repairDrops.add(report.drops)
            return report
        }
    }

    private func carryOut(isPaced: Bool) async throws(DepotError) -> RepairReport {
        var report = RepairReport()
        _ = try await catalog.reopenRecords(counting: pool.countedForRepair, clusterSize: pool.size)
        try await raise(isPaced: isPaced, &report)
        // Nothing may go while a member is missing that a rebuild did not see: not even what is
        // bad.
        if try await catalog.isPartial() { return report }
        try await dropBad(&report)
        try await dropSurplus(&report)
        return report
    }

    // MARK: Too few

    private func raise(isPaced: Bool, _ report: inout RepairReport) async throws(DepotError) {
        var stuck: Set<ChunkID> = []
        var vain: Set<ReplicaID> = []
        while !Task.isCancelled {
            let counting = pool.countedForRepair
            let worst = try await catalog.shortfall(
                counting: counting, limit: Self.pageSize + stuck.count)
            let page = worst.filter { !stuck.contains($0.reference.id) }
            report.underReplicated = worst.count
            report.unreadable = worst.count { $0.good.isEmpty }
            guard !page.isEmpty, stuck.count < Self.stuckMax else { return }
            let began = context.clock.elapsed()
            let helped = try await copy(
                page, counting: counting, vain: &vain, report: &report)
            stuck.formUnion(page.map(\.reference.id).filter { !helped.contains($0) })
            let isUrgent = page.contains { $0.good.count == 1 }
            if isPaced, !isUrgent, !(await context.clock.pause(context.clock.elapsed() - began)) {
                return
            }
        }
    }

    /// - Returns: chunks that got a copy.
    private func copy(
        _ page: [ChunkStatus], counting: Set<ReplicaID>, vain: inout Set<ReplicaID>,
        report: inout RepairReport
    ) async throws(DepotError) -> Set<ChunkID> {
        let outcome = try await leveler.raise(
            page, counting: counting, readsBack: true, vain: &vain
        ) { await remindOfBad(page, $0) }
        if let failure = outcome.failure {
            context.logger.warning(
                "not all copies could be made", metadata: ["error": "\(failure)"])
        }
        let bytes = outcome.made.reduce(0) { $0 + UInt64($1.chunk.length) }
        report.copies += outcome.made.count
        report.bytesCopied += bytes
        context.metrics.repairCopies.add(outcome.made.count)
        context.metrics.repairBytes.add(bytes)
        return Set(outcome.made.map(\.chunk.id))
    }

    /// A replica writes what it holds already only where it knows that its copy is bad. It may have
    /// forgotten; so it looks once more before a good copy is sent to the place of a bad one.
    private func remindOfBad(_ page: [ChunkStatus], _ orders: [CopyOrder]) async {
        let statuses = Dictionary(page.map { ($0.reference.id, $0) }) { first, _ in first }
        var suspects: [ReplicaID: [ChunkID]] = [:]
        for order in orders {
            let holdings = statuses[order.chunk.id]?.holdings ?? []
            if holdings.contains(Holding(replica: order.destination, state: .bad)) {
                suspects[order.destination, default: []].append(order.chunk.id)
            }
        }
        let work = suspects
        let answers = await gather(work.keys) { replica async throws(DepotError) in
            try await inspector.check(work[replica] ?? [], on: replica)
        }
        for case .failure(let error) in answers.values {
            context.logger.warning(
                "bad copies could not be looked at", metadata: ["error": "\(error)"])
        }
    }

    // MARK: Too many

    /// Lets bad copies go whose chunks are whole without them, or that nobody uses: those help no
    /// one.
    private func dropBad(_ report: inout RepairReport) async throws(DepotError) {
        for replica in pool.writable {
            var pages = HoldingPages(on: replica, state: .bad, catalog)
            while let page = try await pages.next() {
                let useless = page.filter { $0.target == 0 }.map(\.reference.id)
                if !useless.isEmpty { try await catalog.markUnused() }
                report.drops += try await unused.drop(
                    useless, unusedFor: CollectionGrace(.zero), on: replica
                ).count
                let readable = pool.readable
                let orders = page.compactMap { status -> DropOrder? in
                    let whole = status.good.filter(readable.contains)
                    guard status.target > 0, whole.count >= status.target else { return nil }
                    return DropOrder(
                        chunk: status.reference, replica: replica, remaining: whole)
                }
                report.drops += try await dropper.drop(orders).count
            }
        }
    }

    private func dropSurplus(_ report: inout RepairReport) async throws(DepotError) {
        var cursor: ChunkID?
        repeat {
            let counting = pool.countedForRepair
            let page = try await catalog.surplus(
                counting: counting, after: cursor, limit: Self.pageSize)
            report.drops += try await leveler.lower(page, counting: counting).count
            cursor = page.count < Self.pageSize ? nil : page.last?.reference.id
        } while cursor != nil && !Task.isCancelled
    }
}
