import DepotCluster
import DepotCore
import DepotWire

// A replica is emptied in rounds over all that it holds. A round may be cut off anywhere and begun
// again: each chunk is first copied to where it is missing, then dropped through the same gate as
// any other copy, which counts only what was hashed just before. Records go the same way: put
// elsewhere, made durable, hashed there, then deleted.

/// Moves what one replica holds to the others.
struct DrainWorker: Sendable {
    /// Chunks that are planned, copied and dropped at once.
    static let pageSize = 1_000
    /// Batches of records that are moved at once: 16 MiB at most, and most times much less.
    static let recordPageSize = 64

    let pool: ReplicaPool
    let catalog: any CopyCatalog & RecordCatalog
    let copier: VerifiedCopier
    let dropper: CopyDropper
    let deliverer: RecordDeliverer

    /// What a round over all that the replica holds came to.
    struct Round: Sendable {
        /// Copies of chunks in use that are still needed there, or still there though it could be
        /// asked to drop them.
        var left = 0
        /// Of these, those that could not be copied.
        var stuck = 0
        var unused = 0
        var unusedBytes: UInt64 = 0
        var recordsLeft = 0
        /// Why something was left; the first of the reasons.
        var problem: String?

        var isClean: Bool { left == 0 && recordsLeft == 0 }
    }

    /// - Parameter moved: told of bytes that are elsewhere now.
    /// - Returns: `nil` where it was given up in between.
    func round(
        _ replica: ReplicaID, moved: @Sendable (UInt64) -> Void
    ) async throws(DepotError) -> Round? {
        var round = Round()
        for state in [HoldingState.good, .unproved] {
            var cursor: ChunkPlace?
            repeat {
                guard isWanted(replica) else { return nil }
                let page = try await catalog.holdings(
                    on: replica, state: state, after: cursor, limit: Self.pageSize)
                cursor = page.next
                try await move(page.chunks, off: replica, in: &round, moved)
            } while cursor != nil
        }
        guard isWanted(replica) else { return nil }
        try await moveRecords(off: replica, &round)
        return round
    }

    private func isWanted(_ replica: ReplicaID) -> Bool {
        pool.draining.contains(replica) && !Task.isCancelled
    }

    // MARK: Chunks

    private func move(
        _ page: [ChunkReference], off replica: ReplicaID, in round: inout Round,
        _ moved: (UInt64) -> Void
    ) async throws(DepotError) {
        let before = try await used(page, &round)
        guard !before.isEmpty else { return }
        let planner = CopyPlanner(placement: pool.placement, avoiding: pool.avoided)
        let outcome = try await copier.make(planner.plan(before).copies)
        var discarded = Round()
        let after = try await used(before.map(\.reference), &discarded)
        let plan = planner.plan(after)
        let short = Set(plan.copies.map(\.chunk.id)).union(plan.shortfalls.map(\.chunk.id))
        note(plan, failure: outcome.failure, short: short.count, in: &round)
        var gone: Set<ChunkID> = []
        if pool.writable.contains(replica) {
            let orders = plan.drops.filter { $0.replica == replica }
            do throws(DepotError) {
                gone = Set(try await dropper.drop(orders).map(\.chunk.id))
            } catch {
                round.problem = round.problem ?? error.description
            }
        } else {
            // It cannot be asked to drop anything, but nothing would be missing without these.
            gone = Set(after.map(\.reference.id)).subtracting(short)
        }
        round.left += after.count { !gone.contains($0.reference.id) }
        let bytes = after.reduce(UInt64(0)) { sum, chunk in
            sum + (gone.contains(chunk.reference.id) ? UInt64(chunk.reference.length) : 0)
        }
        moved(bytes)
    }

    /// Those that somebody uses, as they stand now.
    private func used(
        _ page: [ChunkReference], _ round: inout Round
    ) async throws(DepotError) -> [ChunkStatus] {
        var used: [ChunkStatus] = []
        for status in try await catalog.statuses(of: page.map(\.id)) {
            guard let status else { continue }
            if status.target > 0 {
                used.append(status)
            } else {
                round.unused += 1
                round.unusedBytes += UInt64(status.reference.length)
            }
        }
        return used
    }

    private func note(
        _ plan: CopyPlan, failure: DepotError?, short: Int, in round: inout Round
    ) {
        round.stuck += short
        guard round.problem == nil, short > 0 else { return }
        round.problem =
            switch plan.shortfalls.first?.reason {
            case .noGoodCopy:
                "some chunks have no good copy that can be read now"
            case .notEnoughReplicas:
                "too few replicas take copies for the level of some files; \(pool.absentees)"
            case nil: failure?.description
            }
    }

    // MARK: Records

    private func moveRecords(off replica: ReplicaID, _ round: inout Round) async throws(DepotError)
    {
        let staying = pool.staying
        // Where the others lack them; that is all that can be done for one that does not answer.
        _ = try await catalog.reopenRecords(counting: staying, clusterSize: staying.count)
        try await deliverer.drain()
        guard pool.writable.contains(replica) else {
            round.recordsLeft = try await catalog.outbox(limit: Self.recordPageSize).count
            if round.recordsLeft > 0 {
                round.problem =
                    round.problem ?? "some records are on too few replicas; \(pool.absentees)"
            }
            return
        }
        // Records come behind all chunks.
        var cursor = ObjectID.chunk(.last)
        while isWanted(replica) {
            let after = cursor
            let page = try await pool.ask(replica, within: .barrier) {
                link async throws(DepotError) in
                try await link.inventory(after: after, limit: Self.recordPageSize)
            }
            guard let last = page.last else { return }
            cursor = last.id
            let records = page.map(\.id).filter { $0.kind == .record }.map(\.hash)
            let moved = try await move(records: records, off: replica, in: &round)
            round.recordsLeft += records.count - moved
        }
    }

    /// - Returns: how many are gone.
    private func move(
        records ids: [ChunkID], off replica: ReplicaID, in round: inout Round
    ) async throws(DepotError) -> Int {
        let names = try await catalog.names(ofRecords: ids)
        let known = zip(ids, names).filter { !$0.1.isEmpty }.map(\.0)
        if known.count < ids.count {
            round.problem =
                round.problem
                ?? "it holds records that the catalog does not know; run 'depot verify'"
        }
        guard !known.isEmpty else { return 0 }
        let token = try await pool.ask(replica, within: .stall) {
            link async throws(DepotError) in
            try await link.condemn(known.map(ObjectID.record))
        }
        let records = try await RecordReader(pool: pool).read(known, from: replica)
        // Whose names have newer word: they are needed nowhere.
        let obsolete = Set(try await catalog.obsoleteRecords(on: replica, limit: Self.pageSize))
            .intersection(known)
        let needed = zip(known, records).compactMap { id, found -> RecordBatch? in
            guard case .records(let batch) = found, !obsolete.contains(id) else { return nil }
            return batch
        }
        let safe = try await place(needed) + obsolete
        let orders = safe.map(ObjectID.record)
        guard !orders.isEmpty else {
            round.problem = round.problem ?? "records could not be moved; \(pool.absentees)"
            return 0
        }
        let gone = try await pool.ask(replica, within: .barrier) {
            link async throws(DepotError) in
            try await link.delete(orders, token: token)
        }
        try await catalog.removeRecords(gone.map(\.hash), on: replica)
        return gone.count
    }

    /// Puts records where they belong without the replicas that are being emptied.
    ///
    /// - Returns: those that all their replicas made durable and hashed.
    private func place(_ records: [RecordBatch]) async throws(DepotError) -> [ChunkID] {
        let placement = pool.placementOfRecords
        let size = pool.staying.count
        let objects = records.map(\.object)
        var batches: [ReplicaID: [Int]] = [:]
        var wanted: [Int] = []
        for (index, record) in records.enumerated() {
            let copies = min(record.level.recordCopies, size)
            wanted.append(copies)
            for target in placement.choose(copies, for: record.id) {
                batches[target, default: []].append(index)
            }
        }
        let work = batches
        let answers = await gather(work.keys) { target async throws(DepotError) in
            let mine = (work[target] ?? []).map { objects[$0] }
            return try await pool.ask(target, within: .check) {
                link async throws(DepotError) in
                try await link.put(mine)
                let vouches = try await link.vouch(for: mine.map(\.id))
                let verdicts = try await link.check(mine.map(\.id))
                return zip(vouches, verdicts).map { $0 == .durable && $1 == .good }
            }
        }
        var holders = [[ReplicaID]](repeating: [], count: records.count)
        for (target, answer) in answers {
            guard case .success(let sound) = answer else { continue }
            for (index, isSound) in zip(work[target] ?? [], sound) where isSound {
                holders[index].append(target)
            }
        }
        try await catalog.confirm(
            zip(objects, holders).map {
                RecordConfirmation(batch: $0.id.hash, on: $1, isDone: false)
            })
        return objects.indices.filter { holders[$0].count >= max(1, wanted[$0]) }
            .map { objects[$0].id.hash }
    }
}
