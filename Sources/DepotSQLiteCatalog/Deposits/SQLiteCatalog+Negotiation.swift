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
            var negotiation = try Negotiation(
                of: chunks.count, deposit: lease.number, session)
            var lacking: Set<ChunkID> = []
            for chunk in chunks.sorted(by: { $0.id < $1.id }) {
                let good = try negotiation.pin(chunk)
                if (good & mask).count < copies { lacking.insert(chunk.id) }
            }
            try PinQuota(session).take(
                negotiation.save(), for: deposit, number: lease.number, within: limits)
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
            return try chunks.allSatisfy {
                try session.absent.isAbsent($0.id) || table.find($0.id) == nil
            }
        }
    }
}

/// Pins known chunks to one deposit.
private struct Negotiation {
    private let absent: AbsentFilter
    private let pins: DepositPins
    private let chunks: ChunkTable
    private var nearby: NearbyChunks
    private let copies: CopyTable
    private let current: CopyMask

    /// - Parameter count: of the chunks that are named.
    init(of count: Int, deposit: Int64, _ session: Session) throws {
        session.assertChange()
        absent = session.absent
        pins = try DepositPins(of: deposit, session)
        chunks = try ChunkTable(session)
        nearby = try NearbyChunks(chunks, for: count, session)
        copies = try CopyTable(session)
        current = try session.members().current
    }

    /// - Returns: which members have good copies, a bit each.
    mutating func pin(_ chunk: ChunkReference) throws -> CopyMask {
        guard !absent.isAbsent(chunk.id), let known = try nearby.find(chunk.id) else {
            return .none
        }
        try chunks.use(chunk, known)
        let good = try copies.row(of: known).good & current
        try pins.update(known.number) { $0 ?? Pin(isNew: good.isEmpty, vouched: .none) }
        return good
    }

    /// - Returns: the number of pins that the deposit did not have before.
    func save() throws -> Int {
        try pins.save()
        return pins.added
    }
}
