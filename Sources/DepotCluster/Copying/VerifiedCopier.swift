import DepotCore

/// Makes copies that count: reads, hashes and puts each, has its replica vouch for it, and only
/// then tells the catalog.
package struct VerifiedCopier: Sendable {
    package let pool: ReplicaPool
    package let catalog: any CopyCatalog
    package let copier: ChunkCopier
    package let inspector: CopyInspector

    package struct Outcome: Sendable {
        /// Copies that are durable, and known to the catalog as good.
        package var made: [CopyOrder] = []
        /// Why others are not; the first of the reasons.
        package var failure: DepotError?
        /// Replicas that took copies in vain.
        package var vain: Set<ReplicaID> = []
    }

    /// Carries out as much as it can; what could not be copied is no reason to leave the rest.
    ///
    /// - Parameter readsBack: has the copies read from their disks and hashed before they count.
    package func make(
        _ orders: [CopyOrder], readsBack: Bool = false
    ) async throws(DepotError) -> Outcome {
        guard !orders.isEmpty else { return Outcome() }
        let mark = try await catalog.mark()
        let copied = await copier.copy(orders)
        var outcome = Outcome(failure: copied.failure, vain: copied.vain)
        let groups = Dictionary(grouping: copied.copied, by: \.destination)
        let answers = await gather(groups.keys) { replica async throws(DepotError) in
            try await prove(groups[replica] ?? [], on: replica, asOf: mark, readsBack: readsBack)
        }
        for answer in answers.values {
            switch answer {
            case .success(let made): outcome.made += made
            case .failure(let error): outcome.failure = outcome.failure ?? error
            }
        }
        return outcome
    }

    /// - Returns: those that the catalog calls good afterwards.
    private func prove(
        _ orders: [CopyOrder], on replica: ReplicaID, asOf mark: CatalogMark, readsBack: Bool
    ) async throws(DepotError) -> [CopyOrder] {
        let vouches = try await pool.ask(replica, within: .barrier) {
            link async throws(DepotError) in
            try await link.vouch(for: orders.map { .chunk($0.chunk.id) })
        }
        let durable = zip(orders, vouches).filter { $0.1 == .durable }.map(\.0)
        try await keep(durable, on: replica)
        if readsBack {
            for batch in ChunkBatch.cut(
                durable, bytesMax: CopyDropper.batchBytes, length: \.chunk.length)
            {
                try await inspector.check(batch.map(\.chunk.id), on: replica)
            }
        } else {
            try await settle(durable, .good, on: replica, asOf: mark)
        }
        let copies = try await catalog.copies(of: durable.map(\.chunk.id))
        return zip(durable, copies).filter { $0.1?.good.contains(replica) == true }.map(\.0)
    }

    /// A copy that was released and is still there needs no second one beside it: by the put and
    /// the vouch its deletion is void. The catalog is to take it for a new one.
    private func keep(
        _ orders: [CopyOrder], on replica: ReplicaID
    ) async throws(DepotError) {
        let mark = try await catalog.mark()
        let copies = try await catalog.copies(of: orders.map(\.chunk.id))
        let released = Holding(replica: replica, state: .released)
        let kept = zip(orders, copies).filter { $0.1?.holdings.contains(released) == true }
        try await settle(kept.map(\.0), .absent, on: replica, asOf: mark)
    }

    private func settle(
        _ orders: [CopyOrder], _ verdict: CheckVerdict, on replica: ReplicaID,
        asOf mark: CatalogMark
    ) async throws(DepotError) {
        guard !orders.isEmpty else { return }
        try await catalog.settle(
            Dictionary(orders.map { ($0.chunk.id, verdict) }) { first, _ in first }, on: replica,
            asOf: mark)
    }
}
