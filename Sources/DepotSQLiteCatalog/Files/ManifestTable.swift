import DepotCore
import DepotSQLite

// A file's row, and the lease of a retrieval, name a manifest by a number: that of its chunk, or,
// where the manifest is inline, the negative of that of the file's only chunk, or 0 where the file is
// empty. Only the first kind has rows here.

/// What manifests use, in bulk.
struct ManifestTable {
    private let session: Session
    private let chunks: ChunkTable
    private let completeness: SQLStatement
    private let inserting: SQLStatement
    private let referring: SQLStatement
    private let completing: SQLStatement

    init(_ session: Session) throws {
        self.session = session
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

    /// The number of the manifest of a file that is this chunk.
    static func number(ofInline chunk: Int64) -> Int64 { 0 &- chunk }

    /// The number of the manifest of an empty file.
    static let empty: Int64 = 0

    /// Whether a number is that of a manifest, given the chunk of the number's magnitude.
    static func isNumber(
        _ number: Int64, of manifest: ManifestReference, chunk: ChunkID?, length: Int?
    ) -> Bool {
        let named = manifest.isInline ? manifest.chunk : manifest.text
        guard let named else { return number == empty }
        return (number < 0) == manifest.isInline && number != empty && chunk == named.id
            && length == named.length
    }

    private func isComplete(_ manifest: Int64) throws -> Bool {
        try completeness.first(manifest) { try $0.get(0, as: Bool.self) } ?? false
    }

    /// What a page says, by number.
    struct Page {
        let manifest: Int64
        let pieces: [Int64]
        let chunks: [Int64]
        let isLast: Bool
    }

    /// Enters a page of a manifest that replicas hold with all that it names. For rebuilding only.
    func restore(_ page: ManifestPage) throws {
        let enter = { (chunk: ChunkReference) in try chunks.enter(chunk) }
        try note(
            Page(
                manifest: enter(page.manifest), pieces: page.pieces.byID.map(enter),
                chunks: page.chunks.byID.map(enter), isLast: page.isLast))
    }

    /// Notes what a page says, unless the manifest is known to its end.
    func note(_ page: Page) throws {
        session.assertChange()
        let manifest = page.manifest
        if try isComplete(manifest) { return }
        try inserting.run(manifest)
        try referring.run(manifest, manifest, false)
        for chunk in page.pieces { try referring.run(manifest, chunk, false) }
        for chunk in page.chunks { try referring.run(manifest, chunk, true) }
        if page.isLast { try completing.run(manifest) }
    }
}

extension [ChunkReference] {
    /// Neighbours share pages of the table of chunks.
    var byID: [ChunkReference] { sorted { $0.id < $1.id } }
}
