import DepotCluster
import DepotCore
import DepotWire

/// One verification from its beginning to its end: reads, compares, repairs, and looks whether that
/// helped.
struct VerificationRun: Sendable {
    /// Replicas that read at once; each has a disk of its own.
    private static let atOnce = 16
    /// Rounds of repair, each of which has to have made a copy.
    private static let roundsMax = 100
    /// Chunks below their target that are counted.
    private static let shortfallMax = 100_000

    let context: ServerContext
    let pool: ReplicaPool
    let catalog: any ScrubCatalog & CopyCatalog & RecordCatalog & FileCatalog & ReplicationCatalog
    let comparer: InventoryComparer
    let repair: RepairService
    let segments: SegmentMender
    let records: RecordMender
    let log: VerificationLog

    struct Options: Sendable {
        /// `nil`: all members.
        var replicas: Set<ReplicaID>?
        var budget: Duration?
        var ageMax: Duration?
        var repairs = true
        var pace = ScrubPace.half
    }

    func run(_ options: Options) async {
        do throws(DepotError) {
            await pool.ready()
            await scrub(options)
            if options.repairs, !Task.isCancelled { try await mend() }
            if !Task.isCancelled { try await takeNotes(options) }
            try await conclude(repairs: options.repairs)
            guard !Task.isCancelled else {
                throw DepotError(.unreachable, "the verification was stopped before its end")
            }
            log.end(nil)
        } catch {
            log.end(error)
        }
    }

    private func scrub(_ options: Options) async {
        let lost = pool.lost
        let members = pool.members.filter { options.replicas?.contains($0) ?? true }
        log.update { $0.lost = members.filter(lost.contains).map(pool.name(of:)).sorted() }
        let deadline = options.budget.map { context.clock.elapsed() + $0 }
        let present = members.subtracting(lost).sorted()
        for replica in present { log.update(replica: pool.name(of: replica)) { _ in } }
        await concurrently(present, atOnce: Self.atOnce) { replica in
            let scrubber = scrubber(replica, options)
            do throws(DepotError) {
                try await scrubber.run(ageMax: options.ageMax, deadline: deadline)
            } catch {
                log.update(replica: scrubber.name) { $0.skipped = error.description }
            }
        }
    }

    private func scrubber(_ replica: ReplicaID, _ options: Options) -> ReplicaScrubber {
        ReplicaScrubber(
            context: context, pool: pool, catalog: catalog, comparer: comparer, log: log,
            pace: options.pace,
            replica: replica, name: pool.name(of: replica))
    }

    /// Repair, too, meets damage that the reading has not: what others do goes on beside it.
    private func takeNotes(_ options: Options) async throws(DepotError) {
        for replica in pool.members where options.replicas?.contains(replica) ?? true {
            try await scrubber(replica, options).takeNotes()
        }
    }

    private func mend() async throws(DepotError) {
        log.update { $0.phase = .repairing }
        // Somebody may have made room since a replica was full, and waits for this.
        pool.tryFullOnes()
        await records.mend(log.problems)
        for _ in 0..<Self.roundsMax {
            let report = try await repair.round(isPaced: false)
            log.update {
                $0.copiesMade += report.copies
                $0.bytesCopied += report.bytesCopied
            }
            if report.copies == 0 || Task.isCancelled { break }
        }
        await segments.mend(log.problems)
    }

    /// Says what is repaired and what is not.
    private func conclude(repairs: Bool) async throws(DepotError) {
        let scarce = try await catalog.shortfall(
            counting: pool.countedForStatus, limit: Self.shortfallMax)
        log.update {
            $0.underReplicated = scarce.count
            $0.unreadable = scarce.count { $0.good.isEmpty }
            $0.shortage = scarce.isEmpty ? nil : pool.absentees
        }
        guard repairs else { return }
        var repaired: [Bool] = []
        for problem in log.problems { repaired.append(try await isRepaired(problem)) }
        log.note(repaired: repaired)
    }

    private func isRepaired(_ problem: VerificationProblem) async throws(DepotError) -> Bool {
        // No copy helps where the catalog lacks a commit.
        if problem.kind == .unexplained { return false }
        guard let object = problem.object else { return segments.isMended(problem) }
        guard object.kind == .chunk else { return await records.isMended(object.hash) }
        guard let status = try await catalog.statuses(of: [object.hash]).first ?? nil else {
            return true  // collected
        }
        let here = status.holdings.first { pool.name(of: $0.replica) == problem.replica }
        let counted = status.copies.good(on: pool.countedForStatus)
        return here?.state != .bad && counted.count >= status.target
    }
}
