import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    public func openDeposit(_ opening: DepositOpening) async throws(DepotError) {
        try await queue.change { session in
            guard try !Self.isRebuilding(session) else {
                throw DepotError(
                    .conflict, "the catalog is being rebuilt; deposits are taken when that is done",
                    object: opening.deposit.description)
            }
            let lease = opening.lease.milliseconds
            let known = try Leases.find(opening.deposit, session)
            if let known, known.level != opening.level {
                throw DepotError(
                    .conflict,
                    "this deposit is at level \(known.level), \(opening.level) was asked for; "
                        + "use a new deposit id",
                    object: opening.deposit.description)
            }
            try session.statement(
                """
                INSERT INTO deposit (uuid, level, lease, deadline) VALUES (?, ?, ?, ?)
                ON CONFLICT (uuid) DO UPDATE SET lease = excluded.lease, deadline = excluded.deadline,
                    ended = NULL
                """
            ).run(opening.deposit, opening.level, lease, session.now + lease)
        }
    }

    public func renewDeposit(_ deposit: DepositID) async throws(DepotError) {
        try await queue.change(isDurable: false) { _ = try Leases.renew(deposit, $0) }
    }

    public func closeDeposit(_ deposit: DepositID) async throws(DepotError) {
        try await queue.change { session in
            guard let found = try Leases.find(deposit, session), found.isLive else { return }
            try Leases.end(found.number, session)
        }
    }

    public func depositLevel(_ deposit: DepositID) async throws(DepotError) -> ReplicationLevel {
        try await queue.view { try Leases.live(deposit, $0).level }
    }

    public func negotiate(
        _ deposit: DepositID, chunks: [ChunkReference], live: Set<ReplicaID>, copies: Int
    ) async throws(DepotError) -> [ChunkReference] {
        try await queue.change { session in
            let lease = try Leases.renew(deposit, session)
            let mask = try session.members().mask(of: live)
            let negotiation = try Negotiation(deposit: lease.number, session)
            var lacking: Set<ChunkID> = []
            for chunk in chunks.sorted(by: { $0.id < $1.id }) {
                let good = try negotiation.pin(chunk)
                if (good & mask).nonzeroBitCount < copies { lacking.insert(chunk.id) }
            }
            // In the order in which they were named, each once.
            return chunks.filter { lacking.remove($0.id) != nil }
        }
    }
}

/// Pins chunks to one deposit.
struct Negotiation {
    private let deposit: Int64
    private let chunks: ChunkTable
    private let holders: SQLStatement
    private let pinning: SQLStatement

    init(deposit: Int64, _ session: Session) throws {
        self.deposit = deposit
        chunks = try ChunkTable(session)
        holders = try session.statement("SELECT replica FROM holding WHERE chunk = ? AND state = 1")
        pinning = try session.statement(
            """
            INSERT INTO pin (deposit, chunk, is_new, vouched) VALUES (?, ?, ?, 0)
            ON CONFLICT DO NOTHING
            """)
    }

    /// - Returns: which members have good copies, a bit each.
    func pin(_ chunk: ChunkReference) throws -> UInt64 {
        let (number, wasKnown) = try chunks.enter(chunk)
        let good = wasKnown ? try holders(of: number) : 0
        try pinning.run(deposit, number, good == 0)
        return good
    }

    /// A chunk that was just entered.
    func pin(number: Int64) throws {
        try pinning.run(deposit, number, try holders(of: number) == 0)
    }

    private func holders(of number: Int64) throws -> UInt64 {
        var good: UInt64 = 0
        try holders.visit(number) { row in
            good |= 1 << (try row.get(0, as: UInt64.self))
            return true
        }
        return good
    }
}
