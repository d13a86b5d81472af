import DepotCore
import DepotSQLite

/// What manifests use, in bulk.
struct ManifestTable {
    private let chunks: ChunkTable
    private let completeness: SQLStatement
    private let inserting: SQLStatement
    private let referring: SQLStatement
    private let completing: SQLStatement

    init(_ session: Session) throws {
        chunks = try ChunkTable(session)
        completeness = try session.statement("SELECT complete FROM manifest WHERE chunk = ?")
        inserting = try session.statement(
            "INSERT INTO manifest (chunk, complete) VALUES (?, 0) ON CONFLICT DO NOTHING")
        // What is content in one place and a piece in another is counted as content.
        referring = try session.statement(
            """
            INSERT INTO reference (manifest, chunk, content) VALUES (?, ?, ?)
            ON CONFLICT DO UPDATE SET content = 1 WHERE excluded.content > content
            """)
        completing = try session.statement("UPDATE manifest SET complete = 1 WHERE chunk = ?")
    }

    /// A manifest that was staged to its end.
    func complete(_ id: ChunkID) throws -> ChunkTable.Known? {
        guard let known = try chunks.find(id), try isComplete(known.number) else { return nil }
        return known
    }

    private func isComplete(_ manifest: Int64) throws -> Bool {
        try completeness.first(manifest) { try $0.get(0, as: Bool.self) } ?? false
    }

    /// Notes what a page says, unless the manifest is known to its end.
    ///
    /// - Returns: the manifest's number.
    func enter(_ page: ManifestPage) throws -> Int64 {
        let number = try chunks.enter(page.manifest).number
        if try isComplete(number) { return number }
        try inserting.run(number)
        try referring.run(number, number, false)
        try refer(to: page.pieces, isContent: false, number)
        try refer(to: page.chunks, isContent: true, number)
        if page.isLast { try completing.run(number) }
        return number
    }

    private func refer(to used: [ChunkReference], isContent: Bool, _ manifest: Int64) throws {
        for chunk in used.sorted(by: { $0.id < $1.id }) {
            try referring.run(manifest, chunks.enter(chunk).number, isContent)
        }
    }
}
