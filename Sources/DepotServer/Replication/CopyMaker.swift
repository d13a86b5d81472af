import DepotCore

/// Makes copies that count: reads, hashes and puts each, has its replica vouch for it, and only then tells the
/// catalog.
struct CopyMaker: Sendable {
    let pool: ReplicaPool
    let catalog: any Catalog
    let copier: ChunkCopier

    struct Outcome: Sendable {
        /// Copies that are durable, and known to the catalog as good.
        var made: [CopyOrder] = []
        /// Why others are not; the first of the reasons.
        var failure: DepotError?
    }

    /// Carries out as much as it can; what could not be copied is no reason to leave the rest.
    func make(_ orders: [CopyOrder]) async throws(DepotError) -> Outcome {
        guard !orders.isEmpty else { return Outcome() }
        let mark = try await catalog.mark()
        let copied = await copier.copy(orders)
        var outcome = Outcome(failure: copied.failure)
        let durable = try await vouch(copied.byDestination, asOf: mark, &outcome.failure)
        outcome.made = copied.copied.filter {
            durable[$0.destination]?.contains($0.chunk.id) == true
        }
        return outcome
    }

    /// - Returns: what each destination vouched for, which the catalog knows by then.
    private func vouch(
        _ copies: [ReplicaID: [ChunkID]], asOf mark: CatalogMark, _ failure: inout DepotError?
    ) async throws(DepotError) -> [ReplicaID: Set<ChunkID>] {
        let answers = await gather(copies.keys) { replica async throws(DepotError) in
            let chunks = copies[replica] ?? []
            let vouches = try await pool.ask(replica, limit: pool.timing.barrierLimit) {
                link async throws(DepotError) in
                try await link.vouch(for: chunks.map(ObjectID.chunk))
            }
            return zip(chunks, vouches).filter { $0.1 == .durable }.map(\.0)
        }
        var durable: [ReplicaID: Set<ChunkID>] = [:]
        for (replica, answer) in answers {
            switch answer {
            case .success(let chunks) where !chunks.isEmpty:
                try await catalog.settle(
                    Dictionary(chunks.map { ($0, .good) }) { first, _ in first }, on: replica,
                    asOf: mark)
                durable[replica] = Set(chunks)
            case .success: break
            case .failure(let error): failure = failure ?? error
            }
        }
        return durable
    }
}
