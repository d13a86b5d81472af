import DepotCore

/// Brings chunks to their targets: makes the copies that are missing, drops those that are too
/// many.
package struct CopyLeveler: Sendable {
    let pool: ReplicaPool
    let copier: VerifiedCopier
    let dropper: CopyDropper

    /// Makes the copies that chunks lack, as far as their replicas can be reached.
    ///
    /// - Parameters:
    ///   - counting: replicas whose copies count; `nil` for those that can be reached.
    ///   - readsBack: has the copies read from their disks and hashed before they count.
    ///   - vain: replicas that took copies in vain; they get no more, and others join them.
    ///   - prepare: told of the orders before they are carried out.
    package func raise(
        _ chunks: [ChunkStatus], counting: Set<ReplicaID>? = nil, readsBack: Bool = false,
        vain: inout Set<ReplicaID>, prepare: ([CopyOrder]) async -> Void = { _ in }
    ) async throws(DepotError) -> VerifiedCopier.Outcome {
        let orders = planner(counting, vain).plan(chunks).copies
            .filter { !vain.contains($0.destination) }
        guard !orders.isEmpty else { return VerifiedCopier.Outcome() }
        await prepare(orders)
        let outcome = try await copier.make(orders, readsBack: readsBack)
        vain.formUnion(outcome.vain)
        return outcome
    }

    /// Drops the copies that chunks have beyond their targets. Chunks that nobody uses are left to
    /// collection.
    ///
    /// - Returns: the copies that were released.
    package func lower(
        _ chunks: [ChunkStatus], counting: Set<ReplicaID>? = nil
    ) async throws(DepotError) -> [DropOrder] {
        let drops = planner(counting, []).plan(chunks).drops
        return drops.isEmpty ? [] : try await dropper.drop(drops)
    }

    private func planner(
        _ counting: Set<ReplicaID>?, _ vain: Set<ReplicaID>
    ) -> CopyPlanner {
        CopyPlanner(
            placement: pool.placement, counting: counting, avoiding: pool.avoided.union(vain))
    }
}
