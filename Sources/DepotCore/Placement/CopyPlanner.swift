/// Says chunk by chunk which copies to make and which to drop. Pure; a page of chunks at a time, so that a
/// file of a million chunks is planned in the memory of a page.
public struct CopyPlanner: Sendable {
    /// The replicas that can be reached now: only their good copies count, are copied from, and are dropped.
    public let placement: Placement

    public init(placement: Placement) { self.placement = placement }

    /// The plan for chunks whose `target` is the one that is to hold. Chunks that nobody uses (target 0) are
    /// left to collection.
    public func plan(_ chunks: some Sequence<ChunkStanding>) -> CopyPlan {
        var plan = CopyPlan()
        for chunk in chunks where chunk.target > 0 { add(chunk, to: &plan) }
        return plan
    }

    private func add(_ chunk: ChunkStanding, to plan: inout CopyPlan) {
        let held = Set(chunk.good)
        let good = placement.ranked(for: chunk.reference.id).filter { held.contains($0.replica) }
        if good.count < chunk.target {
            addCopies(of: chunk, good: good.map(\.replica), to: &plan)
        } else {
            addDrops(of: chunk.reference, good: good, target: chunk.target, to: &plan)
        }
    }

    private func addCopies(of chunk: ChunkStanding, good: [ReplicaID], to plan: inout CopyPlan) {
        let reference = chunk.reference
        guard !good.isEmpty else {
            plan.shortfalls.append(
                CopyShortfall(
                    chunk: reference, target: chunk.target, copies: 0, reason: .noGoodCopy))
            return
        }
        // A bad copy's disk is suspect: written over only where no other replica is left.
        let bad = chunk.holdings.filter { $0.state == .bad }.map(\.replica)
        let destinations = placement.choose(
            chunk.target - good.count, for: reference.id, keeping: good, avoiding: bad)
        for destination in destinations {
            plan.copies.append(
                CopyOrder(chunk: reference, sources: good, destination: destination))
        }
        let copies = good.count + destinations.count
        if copies < chunk.target {
            plan.shortfalls.append(
                CopyShortfall(
                    chunk: reference, target: chunk.target, copies: copies,
                    reason: .notEnoughReplicas))
        }
    }

    /// Drops, while there are too many, the copy whose zone has the most; of several, the last in rank.
    private func addDrops(
        of chunk: ChunkReference, good: [PlacementCandidate], target: Int, to plan: inout CopyPlan
    ) {
        var kept = good
        var dropped: [ReplicaID] = []
        while kept.count > target {
            let uses = Dictionary(kept.map { ($0.zone, 1) }, uniquingKeysWith: +)
            guard
                let last = kept.indices.max(by: {
                    (uses[kept[$0].zone, default: 0], $0) < (uses[kept[$1].zone, default: 0], $1)
                })
            else { break }
            dropped.append(kept.remove(at: last).replica)
        }
        for replica in dropped {
            plan.drops.append(
                DropOrder(chunk: chunk, replica: replica, remaining: kept.map(\.replica)))
        }
    }
}
