/// Says chunk by chunk which copies to make and which to drop. Pure; a page of chunks at a time, so
/// that a file of a million chunks is planned in the memory of a page.
public struct CopyPlanner: Sendable {
    /// The replicas that can be reached now: they are copied to, and their surplus is dropped.
    public let placement: Placement
    /// Replicas whose good copies count, whether they can be reached or not.
    public let counting: Set<ReplicaID>

    /// Replicas that are copied to only where no other is left: they are slow.
    public let avoided: Set<ReplicaID>

    /// - Parameter counting: `nil` where only those count that can be reached.
    public init(
        placement: Placement, counting: Set<ReplicaID>? = nil, avoiding avoided: Set<ReplicaID> = []
    ) {
        self.placement = placement
        self.avoided = avoided
        // A replica may have begun to leave after the caller looked which ones count.
        let leaving = placement.candidates.filter(\.isLeaving).map(\.replica)
        let counted = counting ?? Set(placement.candidates.map(\.replica))
        self.counting = counted.subtracting(leaving)
    }

    /// The plan for chunks whose `target` is the one that is to hold. Chunks that nobody uses
    /// (target 0) are left to collection.
    public func plan(_ chunks: some Sequence<ChunkStatus>) -> CopyPlan {
        var plan = CopyPlan()
        for chunk in chunks where chunk.target > 0 { add(chunk, to: &plan) }
        return plan
    }

    private func add(_ chunk: ChunkStatus, to plan: inout CopyPlan) {
        let (copies, drops) = (plan.copies.count, plan.drops.count)
        defer {
            assert(
                plan.copies.count == copies || plan.drops.count == drops,
                "a chunk is copied and dropped at once")
        }
        let held = Set(chunk.good)
        let counted = held.intersection(counting)
        let sources = placement.ranked(for: chunk.reference.id).filter { held.contains($0.replica) }
        if counted.count < chunk.target {
            addCopies(of: chunk, counted: counted, sources.map(\.replica), to: &plan)
        } else {
            let kept = sources.filter { counted.contains($0.replica) }
            let leaving = sources.filter(\.isLeaving).map(\.replica)
            addDrops(
                of: chunk.reference, good: kept, leaving: leaving, target: chunk.target, to: &plan)
        }
    }

    /// - Parameters:
    ///   - counted: replicas whose copies count.
    ///   - sources: these, as far as they can be reached, and such as are being emptied.
    private func addCopies(
        of chunk: ChunkStatus, counted: Set<ReplicaID>, _ sources: [ReplicaID],
        to plan: inout CopyPlan
    ) {
        assert(counted.count < chunk.target, "a chunk that has its copies gets more")
        let reference = chunk.reference
        guard !sources.isEmpty else {
            plan.shortfalls.append(
                CopyShortfall(
                    chunk: reference, target: chunk.target, copies: 0, reason: .noGoodCopy))
            return
        }
        // A bad copy's disk is suspect: written over only where no other replica is left.
        let bad = chunk.holdings.filter { $0.state == .bad }.map(\.replica)
        let destinations = placement.choose(
            chunk.target - counted.count, for: reference.id, keeping: chunk.good,
            avoiding: avoided.union(bad))
        assert(!destinations.contains(where: chunk.good.contains), "a replica gets what it has")
        for destination in destinations {
            plan.copies.append(
                CopyOrder(chunk: reference, sources: sources, destination: destination))
        }
        let copies = counted.count + destinations.count
        if copies < chunk.target {
            plan.shortfalls.append(
                CopyShortfall(
                    chunk: reference, target: chunk.target, copies: copies,
                    reason: .notEnoughReplicas))
        }
    }

    /// Drops the copies of replicas that are being emptied. Then, while there are too many, the
    /// copy whose zone has the most; of several, the last in rank.
    private func addDrops(
        of chunk: ChunkReference, good: [PlacementCandidate], leaving: [ReplicaID], target: Int,
        to plan: inout CopyPlan
    ) {
        var kept = good
        var dropped = leaving
        while kept.count > target {
            let uses = Dictionary(kept.map { ($0.zone, 1) }, uniquingKeysWith: +)
            guard
                let last = kept.indices.max(by: {
                    (uses[kept[$0].zone, default: 0], $0) < (uses[kept[$1].zone, default: 0], $1)
                })
            else { break }
            dropped.append(kept.remove(at: last).replica)
        }
        assert(kept.count >= min(good.count, target), "a copy that is needed is dropped")
        assert(!kept.contains { dropped.contains($0.replica) }, "a copy is kept and dropped")
        for replica in dropped {
            plan.drops.append(
                DropOrder(chunk: chunk, replica: replica, remaining: kept.map(\.replica)))
        }
    }
}
