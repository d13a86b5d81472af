import DepotCore
import DepotSQLite

// A chunk that a deposit brings is entered here, by the word of the replicas that hold it, and with
// the pin that keeps it. Before that the catalog has nothing of it, and nothing to say that a
// deposit waits for it. So what a replica deletes as a stray meanwhile has to void its word: see
// `StalenessCheck`.

extension SQLiteCatalog {
    public func prove(
        _ proof: BarrierProof, asOf mark: CatalogMark, deposit: DepositID
    ) async throws(DepotError) {
        let limits = claims
        try await queue.change { session in
            let lease = try Leases(session).renew(deposit)
            let pins = try DepositPins(of: lease.number, session)
            try Vouches(pins, asOf: mark, session).take(proof)
            try pins.save()
            try PinQuota(session).take(
                pins.added, for: deposit, number: lease.number, within: limits)
        }
    }
}

/// What replicas say to one deposit.
struct Vouches {
    private let pins: DepositPins
    private let members: MemberTable
    private let chunks: ChunkTable
    private let copies: CopyTable
    private let staleness: StalenessCheck

    /// - Parameter pins: the deposit's; whoever made them saves them.
    init(_ pins: DepositPins, asOf mark: CatalogMark, _ session: Session) throws {
        self.pins = pins
        members = try session.members()
        chunks = try ChunkTable(session)
        copies = try CopyTable(session)
        staleness = try StalenessCheck(asOf: mark, session)
    }

    private func numbers(of replicas: Set<ReplicaID>) throws -> [Int] {
        try replicas.map { try members.number(of: $0) }
    }

    func take(_ proof: BarrierProof) throws {
        for (id, replicas) in proof.absent.sorted(by: { $0.key < $1.key }) {
            try take(absent: id, on: replicas)
        }
        for (chunk, replicas) in proof.durable.sorted(by: { $0.key.id < $1.key.id }) {
            try take(chunk, on: replicas, asNew: proof.new.contains(chunk.id))
        }
    }

    private func take(absent id: ChunkID, on replicas: Set<ReplicaID>) throws {
        let numbers = try numbers(of: replicas)
        guard let known = try chunks.find(id) else { return }
        try copies.change(known) { row in
            for member in numbers { row.set(nil, of: member, members) }
        }
    }

    private func take(
        _ chunk: ChunkReference, on replicas: Set<ReplicaID>, asNew countsAsNew: Bool
    ) throws {
        let numbers = try numbers(of: replicas)
        guard let known = try chunks.find(chunk.id) else { return try enter(chunk, on: numbers) }
        guard try chunks.prove(chunk.length, of: known) else { return }
        var vouched = CopyMask.none
        for member in numbers
        where try !staleness.isStale(chunk: known.number, member: member) {
            vouched |= members.bit(of: member)
        }
        guard !vouched.isEmpty else { return }
        var isNew = false
        try copies.change(known) { row in
            isNew = countsAsNew || (row.good & members.current).isEmpty
            for member in numbers where !(members.bit(of: member) & vouched).isEmpty {
                row.set(.good, of: member, members)
            }
        }
        if let pin = try pins.pin(of: known.number) {
            isNew = pin.isNew
            vouched |= pin.vouched
        } else {
            // Another deposit, or an inventory, has entered it since it was named.
            _ = try chunks.use(chunk)
        }
        try pins.set(Pin(isNew: isNew, vouched: vouched), of: known.number)
    }

    private func enter(_ chunk: ChunkReference, on numbers: [Int]) throws {
        var vouched = CopyMask.none
        for member in numbers where try !staleness.isStaleForNew(member: member) {
            vouched |= members.bit(of: member)
        }
        guard !vouched.isEmpty else { return }
        try pins.set(
            Pin(isNew: true, vouched: vouched), of: chunks.enter(chunk, good: vouched))
    }
}
