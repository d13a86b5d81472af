import DepotCluster
import DepotCore
import DepotWire
import Logging
import Synchronization

/// Empties replicas in the background, for as long as the catalog says that they are to be emptied.
package final class DrainService: Sendable {
    /// Rounds that must have found nothing, one after the other, before a replica is called empty:
    /// a deposit that had chosen it before it was drained may have been about to count on it.
    private static let cleanRoundsNeeded = 2

    private struct Work {
        let began: Duration
        var bytesMoved: UInt64 = 0
        var cleanRounds = 0
        var last: DrainWorker.Round?
        var failure: String?
    }

    let context: ServerContext
    let pool: ReplicaPool
    let catalog: any MembershipCatalog & InventoryCatalog & FileCatalog
    let worker: DrainWorker
    private let works = Mutex<[ReplicaID: Work]>([:])

    init(
        context: ServerContext, pool: ReplicaPool,
        catalog: any MembershipCatalog & InventoryCatalog & FileCatalog, worker: DrainWorker
    ) {
        self.context = context
        self.pool = pool
        self.catalog = catalog
        self.worker = worker
    }

    // MARK: What people ask for

    /// Marks the replica, durably; the work is done in the background.
    ///
    /// - Throws: `notEnoughReplicas` where a file's level could not be kept without it, unless
    ///   `force`.
    package func start(_ body: DrainRequestBody) async throws(DepotError) -> DrainBody {
        await pool.ready()
        try pool.requireCurrentCatalog()
        let member = try pool.member(called: body.replica)
        if !body.force { try await requireLevels(without: member) }
        try await catalog.setDraining(member.replica, true)
        pool.setDraining(member.replica, true)
        return try await describe(member)
    }

    /// What was moved stays where it is now.
    package func stop(_ name: String) async throws(DepotError) -> DrainBody {
        let member = try pool.member(called: name)
        try await catalog.setDraining(member.replica, false)
        pool.setDraining(member.replica, false)
        works.withLock { $0[member.replica] = nil }
        return try await describe(member)
    }

    package func status(_ name: String) async throws(DepotError) -> DrainBody {
        try await describe(try pool.member(called: name))
    }

    func isDrained(_ replica: ReplicaID) -> Bool {
        pool.draining.contains(replica)
            && works.withLock { $0[replica]?.cleanRounds ?? 0 } >= Self.cleanRoundsNeeded
    }

    func forget(_ replica: ReplicaID) { works.withLock { $0[replica] = nil } }

    private func requireLevels(without member: Member) async throws(DepotError) {
        let remaining = pool.staying.subtracting([member.replica]).count
        guard let file = try await firstFile(above: remaining) else { return }
        throw DepotError(
            .notEnoughReplicas,
            "without it \(remaining) replicas remain, and '\(file.name)' asks for \(file.level) "
                + "copies. Add replicas or lower the level first, or say --force to leave such "
                + "files degraded",
            object: member.name)
    }

    private func firstFile(above copies: Int) async throws(DepotError) -> FileEntry? {
        var cursor: FileName?
        while true {
            let page = try await catalog.files(
                prefix: "", after: cursor, limit: WireLimits.pageEntriesMax)
            if let found = page.files.first(where: { $0.level.copies > copies }) {
                return found
            }
            guard page.hasMore, let last = page.files.last else { return nil }
            cursor = last.name
        }
    }

    private func describe(_ member: Member) async throws(DepotError) -> DrainBody {
        let replica = member.replica
        let remainder = try await catalog.remainder(
            on: replica, counting: pool.present)
        let work = works.withLock { $0[replica] }
        let isDraining = pool.draining.contains(replica)
        let isDrained = isDrained(replica)
        let unused = work?.last?.unused ?? 0
        let bytesLeft = remainder.bytes - min(remainder.bytes, work?.last?.unusedBytes ?? 0)
        let seconds = work.map { (context.clock.elapsed() - $0.began) / .seconds(1) } ?? 0
        let rate = seconds > 0 ? Double(work?.bytesMoved ?? 0) / seconds : 0
        return DrainBody(
            replica: replica, name: member.name,
            state: isDrained ? .drained : isDraining ? .draining : .stopped,
            chunksLeft: isDrained ? 0 : max(0, remainder.chunks - unused),
            bytesLeft: isDrained ? 0 : bytesLeft,
            recordsLeft: isDrained ? 0 : max(remainder.records, work?.last?.recordsLeft ?? 0),
            depositsLeft: remainder.deposits, unusedChunks: unused,
            stuckChunks: isDrained ? 0 : work?.last?.stuck ?? 0,
            bytesPerSecond: ByteCount(rounding: rate).bytes,
            secondsLeft: isDraining && rate > 0
                ? Seconds(rounding: (Double(bytesLeft) / rate).rounded(.up)).wrappedValue : nil,
            problem: isDrained ? nil : work?.failure ?? work?.last?.problem)
    }

    // MARK: The work

    func run() async {
        await pool.ready()
        repeat {
            for replica in pool.draining.sorted() { await work(on: replica) }
        } while await context.clock.pause(context.timing.chorePeriod)
    }

    private func work(on replica: ReplicaID) async {
        works.withLock { works in
            if works[replica] == nil { works[replica] = Work(began: context.clock.elapsed()) }
        }
        do throws(DepotError) {
            try pool.requireCurrentCatalog()
            let before = try await catalog.remainder(
                on: replica, counting: pool.present)
            guard
                let round = try await worker.round(
                    replica,
                    moved: { bytes in self.works.withLock { $0[replica]?.bytesMoved += bytes } })
            else { return }
            let after = try await catalog.remainder(
                on: replica, counting: pool.present)
            let isQuiet = before.deposits == 0 && after.deposits == 0
            let areSure = try await areInventoried(but: replica)
            take(round, isQuiet: isQuiet && areSure, replica)
        } catch {
            if Task.isCancelled { return }
            works.withLock { works in
                works[replica]?.failure = error.description
                works[replica]?.cleanRounds = 0
            }
            context.logger.warning(
                "a replica could not be emptied further yet",
                metadata: ["replica": "\(pool.name(of: replica))", "error": "\(error)"])
        }
    }

    /// Whether what is believed of the others is of after they were started last.
    private func areInventoried(but replica: ReplicaID) async throws(DepotError) -> Bool {
        for other in pool.members where other != replica {
            if try await catalog.isInventoryDue(of: other) { return false }
        }
        return true
    }

    private func take(_ round: DrainWorker.Round, isQuiet: Bool, _ replica: ReplicaID) {
        let isNews = works.withLock { works -> Bool in
            guard var work = works[replica] else { return false }
            work.last = round
            work.failure = nil
            work.cleanRounds = round.isClean && isQuiet ? work.cleanRounds + 1 : 0
            works[replica] = work
            return work.cleanRounds == Self.cleanRoundsNeeded
        }
        guard isNews else { return }
        context.logger.notice(
            "a replica is empty and may be removed; then 'depot forget' it",
            metadata: ["replica": "\(pool.name(of: replica))"])
    }
}
