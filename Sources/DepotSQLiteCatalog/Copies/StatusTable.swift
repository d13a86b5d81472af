import DepotCore
import DepotSQLite

/// What is known of chunks, in bulk.
struct StatusTable {
    private let now: Int64
    private let copies: CopyTable
    private let targets: SQLStatement
    private let assumption: LevelAssumption?

    init(_ session: Session, assuming assumption: LevelAssumption? = nil) throws {
        self.assumption = assumption
        now = session.now
        copies = try CopyTable(session)
        targets = try session.statement(
            """
            SELECT max(
                coalesce((SELECT max(iif(f.name = ?3, ?4, f.level)) FROM reference r
                    CROSS JOIN file f ON f.manifest = r.manifest WHERE r.chunk = ?1), 0),
                coalesce((SELECT max(iif(f.name = ?3, ?4, f.level)) FROM file f
                    WHERE f.manifest = -?1), 0),
                coalesce((SELECT \(VersionTable.demand) FROM reference r
                    CROSS JOIN version w ON w.manifest = r.manifest WHERE r.chunk = ?1), 0),
                coalesce((SELECT \(VersionTable.demand) FROM version w
                    WHERE w.manifest = -?1), 0),
                coalesce((SELECT max(d.level) FROM pin_page p
                    CROSS JOIN deposit d ON d.id = p.deposit AND d.deadline > ?2
                    WHERE \(PinSQL.pins("?1"))), 0))
            """)
    }

    /// The highest level of the files, of what they were before, and of the leases that use the chunk; 0 where none does.
    func target(chunk: Int64) throws -> Int {
        // No file has an empty name.
        try targets.first(
            chunk, now, assumption?.name.text ?? "", assumption?.level.copies ?? 0
        ) { try $0.get(0, as: TargetCopies.self).copies } ?? 0
    }

    func status(of id: ChunkID, _ known: ChunkTable.Known) throws -> ChunkStatus {
        ChunkStatus(
            copies: try copies.copies(of: id, known), target: try target(chunk: known.number))
    }
}
