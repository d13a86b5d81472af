import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    public func unused(
        for grace: CollectionGrace, on replica: ReplicaID, after cursor: ChunkID?, limit: Int
    ) async throws(DepotError) -> [ChunkReference] {
        try Self.checkPage(limit)
        return try await queue.view { session in
            let member = try session.members().number(of: replica)
            let start = try ChunkTable(session).position(of: cursor)
            return try session.statement(
                """
                SELECT c.hash, c.length FROM chunk c
                WHERE c.unused <= iif(c.abandoned, ?, ?) AND c.id > ?
                    AND \(CopySQL(session).isHeld(by: member)) AND NOT \(ChunkUse.isUsed)
                ORDER BY c.id LIMIT ?
                """
            ).all(
                session.now - grace.abandoned.milliseconds,
                session.now - grace.unused.milliseconds, start, limit
            ) {
                try ChunkReference(id: $0.get(0), length: $0.get(1))
            }
        }
    }

    public func releaseUnused(
        _ chunks: [ChunkID], for grace: CollectionGrace, on replica: ReplicaID
    ) async throws(DepotError) -> [ChunkID] {
        try await queue.change { session in
            try ChunkUse.requireAllKnown(session)
            let gate = try UnusedGate(on: replica, after: grace, session)
            return try Set(chunks).sorted().filter(gate.release)
        }
    }

    public func strays(
        among chunks: [ChunkID], on replica: ReplicaID
    ) async throws(DepotError) -> [ChunkID] {
        try await queue.change { session in
            try ChunkUse.requireAllKnown(session)
            let member = try session.members().number(of: replica)
            // A deposit may have had one of them vouched for, and has not told the catalog yet.
            try session.statement("UPDATE member SET strayed = ? WHERE id = ?")
                .run(session.tick, member)
            let believing = try session.statement(
                """
                SELECT EXISTS (
                    SELECT 1 FROM chunk c WHERE c.hash = ?
                        AND (\(ChunkUse.isUsed) OR \(CopySQL(session).isHeld(by: member))))
                """)
            return try chunks.filter { id in
                try believing.first(id) { try $0.get(0, as: Bool.self) } == false
            }
        }
    }
}

/// Lets copies on one replica go whose chunks nobody uses.
private struct UnusedGate {
    private let member: Int
    private let grace: CollectionGrace
    private let session: Session
    private let chunks: ChunkTable
    private let copies: CopyTable
    private let invalidations: InvalidationTable
    private let readiness: SQLStatement

    init(on replica: ReplicaID, after grace: CollectionGrace, _ session: Session) throws {
        member = try session.members().number(of: replica)
        self.grace = grace
        self.session = session
        chunks = try ChunkTable(session)
        copies = try CopyTable(session)
        invalidations = try InvalidationTable(session)
        readiness = try session.statement(
            """
            SELECT 1 FROM chunk c
            WHERE c.id = ? AND c.unused <= iif(c.abandoned, ?, ?) AND NOT \(ChunkUse.isUsed)
            """)
    }

    func release(_ id: ChunkID) throws -> Bool {
        guard let known = try chunks.findCertain(id),
            try readiness.first(
                known.number, session.now - grace.abandoned.milliseconds,
                session.now - grace.unused.milliseconds, body: { _ in true }) == true,
            try copies.states(of: known)[member] != nil
        else {
            return false
        }
        try copies.set(.released, of: known, member: member)
        try invalidations.note(chunk: known.number, member: member)
        return true
    }
}
