import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    public func prove(
        _ proof: BarrierProof, asOf mark: CatalogMark, deposit: DepositID
    ) async throws(DepotError) {
        try await queue.change { session in
            let lease = try Leases.renew(deposit, session)
            let holdings = try HoldingTable(session)
            let evidence = try Evidence(asOf: mark, session)
            let vouching = try session.statement(
                "UPDATE pin SET vouched = vouched | ? WHERE deposit = ? AND chunk = ?")
            try holdings.visit(proof.absent) { chunk, members in
                for member in members { try holdings.remove(chunk: chunk, member: member) }
            }
            try holdings.visit(proof.durable) { chunk, members in
                var vouched: UInt64 = 0
                for member in members
                where try !evidence.isOvertaken(chunk: chunk, member: member) {
                    try holdings.set(.good, chunk: chunk, member: member)
                    vouched |= 1 << UInt64(member)
                }
                if vouched != 0 { try vouching.run(vouched, lease.number, chunk) }
            }
        }
    }
}

/// Which member has which copy, in bulk.
struct HoldingTable {
    private let members: MemberTable
    private let chunks: ChunkTable
    private let setting: SQLStatement
    private let removing: SQLStatement
    private let finding: SQLStatement

    init(_ session: Session) throws {
        members = try session.members()
        chunks = try ChunkTable(session)
        setting = try session.statement(
            """
            INSERT INTO holding (chunk, replica, state) VALUES (?, ?, ?)
            ON CONFLICT DO UPDATE SET state = excluded.state WHERE state <> excluded.state
            """)
        removing = try session.statement("DELETE FROM holding WHERE chunk = ? AND replica = ?")
        finding = try session.statement("SELECT replica, state FROM holding WHERE chunk = ?")
    }

    /// Known chunks with the numbers of the members that are named with them, in the catalog's order.
    ///
    /// - Throws: `notFound` for a replica that is no member.
    func visit(
        _ replicas: [ChunkID: Set<ReplicaID>], body: (Int64, [Int]) throws -> Void
    ) throws {
        for (id, replicas) in replicas.sorted(by: { $0.key < $1.key }) {
            let numbers = try replicas.map { replica in try members.number(of: replica) }
            guard let chunk = try chunks.find(id) else { continue }
            try body(chunk.number, numbers.sorted())
        }
    }

    func set(_ state: HoldingState, chunk: Int64, member: Int) throws {
        try setting.run(chunk, member, state)
    }

    func remove(chunk: Int64, member: Int) throws {
        try removing.run(chunk, member)
    }

    func copies(of reference: ChunkReference, number: Int64) throws -> ChunkCopies {
        let holdings = try finding.all(number) { row in
            Holding(replica: try members.replica(row.get(0)), state: try row.get(1))
        }
        return ChunkCopies(
            reference: reference, holdings: holdings.sorted { $0.replica < $1.replica })
    }

    /// The states of a chunk's copies, by member.
    func states(chunk: Int64) throws -> [Int: HoldingState] {
        var states: [Int: HoldingState] = [:]
        try finding.visit(chunk) { row in
            states[try row.get(0)] = try row.get(1)
            return true
        }
        return states
    }
}
