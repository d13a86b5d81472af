import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    public func release(
        _ chunks: [ChunkID], on replica: ReplicaID,
        hashedJustBefore: [ChunkID: Set<ReplicaID>], asOf mark: CatalogMark
    ) async throws(DepotError) -> [ChunkID] {
        try await queue.change { session in
            // Nobody knows yet what the replicas hold that were not asked.
            if try Self.isPartial(session) { return [] }
            let gate = try ReleaseGate(replica, asOf: mark, session)
            return try Set(chunks).sorted().filter { chunk in
                try gate.release(chunk, hashed: hashedJustBefore[chunk] ?? [])
            }
        }
    }

    public func removeReleased(
        _ chunks: [ChunkID], on replica: ReplicaID
    ) async throws(DepotError) {
        try await queue.change { session in
            let table = try ChunkTable(session)
            let member = try session.members().number(of: replica)
            let removing = try session.statement(
                "DELETE FROM holding WHERE chunk = ? AND replica = ? AND state = 3")
            for chunk in chunks.sorted() {
                guard let known = try table.find(chunk) else { continue }
                try removing.run(known.number, member)
            }
        }
    }

    public func holdings(
        on replica: ReplicaID, state: HoldingState, after cursor: ChunkID?, limit: Int
    ) async throws(DepotError) -> [ChunkReference] {
        try Self.checkPage(limit)
        return try await queue.view { session in
            let member = try session.members().number(of: replica)
            let start = try ChunkTable(session).position(of: cursor)
            return try session.statement(
                """
                SELECT c.hash, c.length FROM holding h CROSS JOIN chunk c ON c.id = h.chunk
                WHERE h.replica = ? AND h.state = ? AND h.chunk > ? ORDER BY h.chunk LIMIT ?
                """
            ).all(member, state, start, limit) {
                try ChunkReference(id: $0.get(0), length: $0.get(1))
            }
        }
    }

    public func settle(
        _ verdicts: [ChunkID: CheckVerdict], on replica: ReplicaID, asOf mark: CatalogMark
    ) async throws(DepotError) {
        try await queue.change { session in
            let settlement = try Settlement(replica, asOf: mark, session)
            for (chunk, verdict) in verdicts.sorted(by: { $0.key < $1.key }) {
                try settlement.take(verdict, of: chunk)
            }
        }
    }
}

/// Lets copies on one replica go.
private struct ReleaseGate {
    private let member: Int
    private let members: MemberTable
    private let chunks: ChunkTable
    private let holdings: HoldingTable
    private let standings: StandingTable
    private let evidence: Evidence
    private let setbacks: Setbacks

    init(_ replica: ReplicaID, asOf mark: CatalogMark, _ session: Session) throws {
        members = try session.members()
        member = try members.number(of: replica)
        chunks = try ChunkTable(session)
        holdings = try HoldingTable(session)
        standings = try StandingTable(session)
        evidence = try Evidence(asOf: mark, session)
        setbacks = try Setbacks(session)
    }

    func release(_ id: ChunkID, hashed: Set<ReplicaID>) throws -> Bool {
        guard let chunk = try chunks.find(id)?.number else { return false }
        let states = try holdings.states(chunk: chunk)
        guard let state = states[member], state != .unproved else { return false }
        let target = try standings.target(chunk: chunk)
        guard target > 0 else { return false }
        var others = 0
        for replica in hashed {
            guard let other = members.numbers[replica], other != member, states[other] == .good,
                try !evidence.isOvertaken(chunk: chunk, member: other)
            else { continue }
            others += 1
        }
        guard others >= target else { return false }
        try holdings.set(.released, chunk: chunk, member: member)
        try setbacks.note(chunk: chunk, member: member)
        return true
    }
}

/// Takes what one replica found.
private struct Settlement {
    private let member: Int
    private let chunks: ChunkTable
    private let holdings: HoldingTable
    private let evidence: Evidence
    private let setbacks: Setbacks

    init(_ replica: ReplicaID, asOf mark: CatalogMark, _ session: Session) throws {
        member = try session.members().number(of: replica)
        chunks = try ChunkTable(session)
        holdings = try HoldingTable(session)
        evidence = try Evidence(asOf: mark, session)
        setbacks = try Setbacks(session)
    }

    func take(_ verdict: CheckVerdict, of id: ChunkID) throws {
        guard let chunk = try chunks.find(id)?.number else { return }
        switch verdict {
        case .absent: try holdings.remove(chunk: chunk, member: member)
        case .good: try settleGood(chunk)
        case .bad: try settleBad(chunk)
        }
    }

    private func settleGood(_ chunk: Int64) throws {
        guard try holdings.states(chunk: chunk)[member] != .released,
            try !evidence.isOvertaken(chunk: chunk, member: member)
        else { return }
        try holdings.set(.good, chunk: chunk, member: member)
    }

    private func settleBad(_ chunk: Int64) throws {
        if try holdings.states(chunk: chunk)[member] != .released {
            try holdings.set(.bad, chunk: chunk, member: member)
        }
        try setbacks.note(chunk: chunk, member: member)
    }
}
