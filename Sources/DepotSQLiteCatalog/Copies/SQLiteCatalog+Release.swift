import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    public func release(
        _ chunks: [ChunkID], on replica: ReplicaID,
        hashedJustBefore: [ChunkID: Set<ReplicaID>], asOf mark: CatalogMark
    ) async throws(DepotError) -> [ChunkID] {
        try await queue.change { session in
            // Nobody knows yet what the replicas hold that were not asked.
            if try ClusterTable(session).isPartial() { return [] }
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
            let copies = try CopyTable(session)
            let members = try session.members()
            let member = try members.number(of: replica)
            for chunk in chunks.sorted() {
                guard let known = try table.find(chunk) else { continue }
                try copies.change(known) { row in
                    guard row.state(of: member, members) == .released else { return }
                    row.set(nil, of: member, members)
                }
            }
        }
    }
}

/// Lets copies on one replica go.
private struct ReleaseGate {
    private let member: Int
    private let members: MemberTable
    private let chunks: ChunkTable
    private let copies: CopyTable
    private let statuses: StatusTable
    private let staleness: StalenessCheck
    private let invalidations: InvalidationTable

    init(_ replica: ReplicaID, asOf mark: CatalogMark, _ session: Session) throws {
        members = try session.members()
        member = try members.number(of: replica)
        chunks = try ChunkTable(session)
        copies = try CopyTable(session)
        statuses = try StatusTable(session)
        staleness = try StalenessCheck(asOf: mark, session)
        invalidations = try InvalidationTable(session)
    }

    func release(_ id: ChunkID, hashed: Set<ReplicaID>) throws -> Bool {
        guard let known = try chunks.findCertain(id) else { return false }
        let chunk = known.number
        let states = try copies.states(of: known)
        guard let state = states[member], state != .unproved else { return false }
        let target = try statuses.target(chunk: chunk)
        guard target > 0 else { return false }
        var others = 0
        for replica in hashed {
            guard let other = members.numbers[replica], other != member, states[other] == .good,
                try !staleness.isStale(chunk: chunk, member: other)
            else { continue }
            others += 1
        }
        guard others >= target else { return false }
        try copies.set(.released, of: known, member: member)
        try invalidations.note(chunk: chunk, member: member)
        return true
    }
}
