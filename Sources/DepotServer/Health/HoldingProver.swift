import DepotCore

/// Asks a replica whether it still holds what the catalog is not sure of, after its log went back.
struct HoldingProver: Sendable {
    /// One barrier for so many; an answer of 10 KiB.
    static let pageSize = 10_000

    let pool: ReplicaPool
    let catalog: any Catalog

    func prove(_ replica: ReplicaID, _ seat: ReplicaSeat) async {
        seat.state.withLock { $0.mustProve = false }
        do throws(DepotError) {
            var cursor: ChunkID?
            while !Task.isCancelled {
                let page = try await catalog.holdings(
                    on: replica, state: .unproved, after: cursor, limit: Self.pageSize)
                guard let last = page.last else { return }
                try await settle(page.map(\.id), replica)
                cursor = last.id
            }
        } catch {
            seat.state.withLock { $0.mustProve = true }
            pool.logger.warning(
                "copies could not be proved yet",
                metadata: ["replica": "\(seat.name)", "error": "\(error)"])
        }
    }

    private func settle(_ chunks: [ChunkID], _ replica: ReplicaID) async throws(DepotError) {
        let mark = try await catalog.mark()
        let vouches = try await pool.ask(replica, limit: pool.timing.barrierLimit) {
            link async throws(DepotError) in
            try await link.vouch(for: chunks.map(ObjectID.chunk))
        }
        var verdicts: [ChunkID: CheckVerdict] = [:]
        for (chunk, vouch) in zip(chunks, vouches) {
            verdicts[chunk] = vouch == .durable ? .good : .absent
        }
        try await catalog.settle(verdicts, on: replica, asOf: mark)
    }
}
