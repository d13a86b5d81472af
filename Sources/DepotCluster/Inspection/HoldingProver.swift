import DepotCore

/// Asks a replica whether it still holds what the catalog is not sure of, after its log went back.
struct HoldingProver: Sendable {
    /// One barrier for so many; an answer of 10 KiB.
    static let pageSize = 10_000

    let context: ServerContext
    let pool: ReplicaPool
    let catalog: any CopyCatalog

    func prove(_ replica: ReplicaID, _ node: ReplicaNode) async {
        node.note { $0.proving() }
        do throws(DepotError) {
            var cursor: ChunkPlace?
            repeat {
                let page = try await catalog.holdings(
                    on: replica, state: .unproved, after: cursor, limit: Self.pageSize)
                cursor = page.next
                if !page.chunks.isEmpty { try await settle(page.chunks.map(\.id), replica) }
            } while cursor != nil && !Task.isCancelled
        } catch {
            node.note { $0.proofIsDue() }
            context.logger.warning(
                "copies could not be proved yet",
                metadata: ["replica": "\(node.name)", "error": "\(error)"])
        }
    }

    private func settle(_ chunks: [ChunkID], _ replica: ReplicaID) async throws(DepotError) {
        let mark = try await catalog.mark()
        let vouches = try await pool.ask(replica, within: .barrier) {
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
