import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    public func copies(of chunks: [ChunkID]) async throws(DepotError) -> [ChunkCopies?] {
        try await known(chunks) { try HoldingTable($0).copies(of:number:) }
    }

    public func standings(of chunks: [ChunkID]) async throws(DepotError) -> [ChunkStanding?] {
        try await known(chunks) { try StandingTable($0).standing(of:number:) }
    }

    /// What a table says of each chunk that is known, by its number.
    private func known<Value: Sendable>(
        _ chunks: [ChunkID],
        saying: @escaping @Sendable (Session) throws -> (ChunkReference, Int64) throws -> Value
    ) async throws(DepotError) -> [Value?] {
        try await queue.view { session in
            let table = try ChunkTable(session)
            let say = try saying(session)
            return try chunks.map { id in
                try table.find(id).map {
                    try say(ChunkReference(id: id, length: $0.length), $0.number)
                }
            }
        }
    }

    public func chunks(
        of manifest: ChunkID, after cursor: ChunkID?, limit: Int, assuming: LevelAssumption?
    ) async throws(DepotError) -> [ChunkStanding] {
        try Self.checkPage(limit)
        return try await queue.view { session in
            let table = try ChunkTable(session)
            guard let known = try ManifestTable(session).complete(manifest) else {
                throw DepotError(
                    .notFound, "no such manifest, or it was not staged to its end",
                    object: manifest.hex)
            }
            let standings = try StandingTable(session, assuming: assuming)
            return try session.statement(
                """
                SELECT c.id, c.hash, c.length FROM reference r CROSS JOIN chunk c ON c.id = r.chunk
                WHERE r.manifest = ? AND r.chunk > ? ORDER BY r.chunk LIMIT ?
                """
            ).all(known.number, try table.position(of: cursor), limit) { row in
                try standings.standing(
                    of: ChunkReference(id: row.get(1), length: row.get(2)), number: row.get(0))
            }
        }
    }
}

/// What is known of chunks, in bulk.
struct StandingTable {
    private let now: Int64
    private let holdings: HoldingTable
    private let targets: SQLStatement
    private let assumption: LevelAssumption?

    init(_ session: Session, assuming assumption: LevelAssumption? = nil) throws {
        self.assumption = assumption
        now = session.now
        holdings = try HoldingTable(session)
        targets = try session.statement(
            """
            SELECT max(
                coalesce((SELECT max(iif(f.name = ?3, ?4, f.level)) FROM reference r
                    CROSS JOIN file f ON f.manifest = r.manifest WHERE r.chunk = ?1), 0),
                coalesce((SELECT max(d.level) FROM pin p
                    CROSS JOIN deposit d ON d.id = p.deposit AND d.deadline > ?2
                    WHERE p.chunk = ?1), 0))
            """)
    }

    /// The highest level of the live files and leases that use the chunk; 0 where none does.
    func target(chunk: Int64) throws -> Int {
        // No file has an empty name.
        try targets.first(
            chunk, now, assumption?.name.text ?? "", assumption?.level.copies ?? 0
        ) { try $0.get(0) } ?? 0
    }

    func standing(of reference: ChunkReference, number: Int64) throws -> ChunkStanding {
        ChunkStanding(
            copies: try holdings.copies(of: reference, number: number),
            target: try target(chunk: number))
    }
}
