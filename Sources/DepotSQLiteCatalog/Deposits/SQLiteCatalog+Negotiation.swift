import DepotCore
import DepotSQLite

// Whoever has a token may name chunks that nobody has ever seen. Nothing is written down about
// them: a chunk enters with the word of a replica that has hashed it. Where all that is named is
// new, a negotiation reads, and renews the lease.

extension SQLiteCatalog {
    public func negotiate(
        _ deposit: DepositID, chunks: [ChunkReference], live: Set<ReplicaID>, copies: Int
    ) async throws(DepotError) -> [ChunkReference] {
        if try await areAllNew(chunks, deposit) {
            try await renewDeposit(deposit)
            var named: Set<ChunkID> = []
            return chunks.filter { named.insert($0.id).inserted }
        }
        let limits = claims
        return try await queue.change { session in
            let lease = try Leases(session).renew(deposit)
            let mask = try session.members().mask(of: live)
            var negotiation = try Negotiation(deposit: lease.number, session)
            var lacking: Set<ChunkID> = []
            for chunk in chunks.sorted(by: { $0.id < $1.id }) {
                let good = try negotiation.pin(chunk)
                if (good & mask).count < copies { lacking.insert(chunk.id) }
            }
            try PinQuota(session).take(
                negotiation.added, for: deposit, number: lease.number, within: limits)
            // In the order in which they were named, each once.
            let answer = chunks.filter { lacking.remove($0.id) != nil }
            assert(lacking.isEmpty, "only what was named can lack")
            return answer
        }
    }

    /// Ends with the first that is known.
    private func areAllNew(
        _ chunks: [ChunkReference], _ deposit: DepositID
    ) async throws(DepotError) -> Bool {
        try await queue.view { session in
            _ = try Leases(session).live(deposit)
            let table = try ChunkTable(session)
            return try chunks.allSatisfy { try table.find($0.id) == nil }
        }
    }
}

/// Pins known chunks to one deposit.
private struct Negotiation {
    /// Pins that the deposit did not have before.
    private(set) var added = 0
    private let deposit: Int64
    private let session: Session
    private let chunks: ChunkTable
    private let copies: CopyTable
    private let current: CopyMask
    private let pinning: SQLStatement

    init(deposit: Int64, _ session: Session) throws {
        session.assertChange()
        self.deposit = deposit
        self.session = session
        chunks = try ChunkTable(session)
        copies = try CopyTable(session)
        current = try session.members().current
        pinning = try session.statement(
            """
            INSERT INTO pin (deposit, chunk, is_new, vouched) VALUES (?, ?, ?, 0)
            ON CONFLICT DO NOTHING
            """)
    }

    /// - Returns: which members have good copies, a bit each.
    mutating func pin(_ chunk: ChunkReference) throws -> CopyMask {
        guard let known = try chunks.use(chunk) else { return .none }
        let good = try copies.row(of: known).good & current
        try pinning.run(deposit, known.number, good.isEmpty)
        added += session.database.changesCount
        return good
    }
}
