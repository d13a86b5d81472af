import DepotCore

/// Copies chunks from replica to replica: read, hashed, put. Nothing that does not hash to its id
/// is written. That the copies are durable is for the caller to have vouched.
package struct ChunkCopier: Sendable {
    /// Batches under way; each has its own share of the memory budget.
    package static let atOnce = 3
    /// Smaller than a client's batch, so that several fit beside what clients send.
    package static let batchBytes = 4 << 20

    package let fetcher: ChunkFetcher
    package let pool: ReplicaPool
    package let budget: MemoryBudget

    package struct Outcome: Sendable {
        package var copied: [CopyOrder] = []
        /// Why others were not; the first of the reasons.
        package var failure: DepotError?
        /// Replicas that took a batch in vain: no more was sent to them, nor should it be by
        /// whoever goes on.
        package var vain: Set<ReplicaID> = []

        package var byDestination: [ReplicaID: [ChunkReference]] {
            Dictionary(grouping: copied, by: \.destination).mapValues { $0.map(\.chunk) }
        }
    }

    package func copy(_ orders: [CopyOrder]) async -> Outcome {
        let groups = Dictionary(grouping: orders, by: \.destination)
        let batches = groups.values.flatMap {
            ChunkBatch.cut($0, bytesMax: Self.batchBytes) { $0.chunk.length }
        }
        let results = Results()
        await concurrently(batches, atOnce: Self.atOnce) { batch in
            // One that took a batch in vain, over a link that is too slow, say, would take as long
            // for each of them.
            guard let destination = batch.first?.destination,
                await !results.outcome.vain.contains(destination)
            else { return }
            do throws(DepotError) {
                await results.add(try await copyBatch(batch), nil)
            } catch {
                // Want of a good copy is not the destination's fault.
                await results.add([], error, by: error.code == .noGoodCopy ? nil : destination)
            }
        }
        return await results.outcome
    }

    private actor Results {
        var outcome = Outcome()

        func add(_ copied: [CopyOrder], _ failure: DepotError?, by destination: ReplicaID? = nil) {
            outcome.copied += copied
            outcome.failure = outcome.failure ?? failure
            if let destination { outcome.vain.insert(destination) }
        }
    }

    /// - Parameter batch: orders with one destination.
    private func copyBatch(_ batch: [CopyOrder]) async throws(DepotError) -> [CopyOrder] {
        guard let destination = batch.first?.destination else { return [] }
        let bytes = batch.reduce(0) { $0 + $1.chunk.length }
        let reservation = try await budget.reserve(bytes)
        defer { withExtendedLifetime(reservation) {} }
        let objects = try await fetcher.verified(batch.map(\.chunk))
        let found = zip(batch, objects).filter { $0.1.value != nil }
        let verified = found.compactMap { $0.1.value }
        guard !verified.isEmpty else {
            throw DepotError(
                .noGoodCopy, "no replica that can be reached has a good copy of it",
                object: batch[0].chunk.id.hex)
        }
        do throws(DepotError) {
            try await pool.ask(destination, within: .barrier) {
                link async throws(DepotError) in
                try await link.put(verified)
            }
        } catch {
            // It answers small questions, maybe, but gets no new copies for a while where there are
            // others.
            if error.code == .unreachable, let node = pool.node(of: destination) {
                pool.noteStall(of: node)
            }
            throw error
        }
        return found.map(\.0)
    }
}
