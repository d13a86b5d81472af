import DepotCore
import DepotSQLite

extension SQLiteCatalog {
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

/// Takes what one replica found.
private struct Settlement {
    private let member: Int
    private let chunks: ChunkTable
    private let members: MemberTable
    private let copies: CopyTable
    private let staleness: StalenessCheck
    private let invalidations: InvalidationTable

    init(_ replica: ReplicaID, asOf mark: CatalogMark, _ session: Session) throws {
        members = try session.members()
        member = try members.number(of: replica)
        chunks = try ChunkTable(session)
        copies = try CopyTable(session)
        staleness = try StalenessCheck(asOf: mark, session)
        invalidations = try InvalidationTable(session)
    }

    func take(_ verdict: CheckVerdict, of id: ChunkID) throws {
        guard let known = try chunks.find(id) else { return }
        if verdict == .absent { return try copies.set(nil, of: known, member: member) }
        // How long it is has to be known from a replica that hashed it: an inventory says that.
        guard try chunks.isBound(known) else { return }
        switch verdict {
        case .absent: break
        case .good: try settleGood(known)
        case .bad: try settleBad(known)
        }
    }

    private func settleGood(_ known: ChunkTable.Known) throws {
        guard try copies.row(of: known).state(of: member, members) != .released,
            try !staleness.isStale(chunk: known.number, member: member)
        else { return }
        try copies.set(.good, of: known, member: member)
    }

    private func settleBad(_ known: ChunkTable.Known) throws {
        if try copies.row(of: known).state(of: member, members) != .released {
            try copies.set(.bad, of: known, member: member)
        }
        try invalidations.note(chunk: known.number, member: member)
    }
}
