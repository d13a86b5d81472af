import DepotCore

extension SQLiteCatalog {
    public func stage(
        manifest: ChunkReference, uses chunks: [ChunkReference], pieces: [ChunkReference],
        isLast: Bool, deposit: DepositID
    ) async throws(DepotError) {
        try await queue.change { session in
            let lease = try Leases.renew(deposit, session)
            try Self.enter(manifest, chunks, pieces, isLast: isLast, session)
            // A collection between two pages must not forget the first.
            _ = try Negotiation(deposit: lease.number, session).pin(manifest)
        }
    }

    /// Notes what a manifest uses, unless that is known to its end.
    static func enter(
        _ manifest: ChunkReference, _ chunks: [ChunkReference], _ pieces: [ChunkReference],
        isLast: Bool, _ session: Session
    ) throws {
        let table = try ChunkTable(session)
        let number = try table.enter(manifest).number
        if try Self.isComplete(number, session) { return }
        try session.statement(
            "INSERT INTO manifest (chunk, complete) VALUES (?, 0) ON CONFLICT DO NOTHING"
        ).run(number)
        // What is content in one place and a piece in another is counted as content.
        let referring = try session.statement(
            """
            INSERT INTO reference (manifest, chunk, content) VALUES (?, ?, ?)
            ON CONFLICT DO UPDATE SET content = 1 WHERE excluded.content > content
            """)
        try Self.refer(to: [manifest] + pieces, isContent: false, number, table, referring)
        try Self.refer(to: chunks, isContent: true, number, table, referring)
        guard isLast else { return }
        try session.statement("UPDATE manifest SET complete = 1 WHERE chunk = ?").run(number)
    }

    private static func refer(
        to chunks: [ChunkReference], isContent: Bool, _ manifest: Int64, _ table: ChunkTable,
        _ referring: SQLStatement
    ) throws {
        for chunk in chunks.sorted(by: { $0.id < $1.id }) {
            try referring.run(manifest, table.enter(chunk).number, isContent)
        }
    }

    public func isStaged(manifest: ChunkID) async throws(DepotError) -> Bool {
        try await queue.view { session in
            guard let known = try ChunkTable(session).find(manifest) else { return false }
            return try Self.isComplete(known.number, session)
        }
    }

    static func isComplete(_ manifest: Int64, _ session: Session) throws -> Bool {
        try session.statement("SELECT complete FROM manifest WHERE chunk = ?")
            .first(manifest) { try $0.get(0, as: Bool.self) } ?? false
    }
}
