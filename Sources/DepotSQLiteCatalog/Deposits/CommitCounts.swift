import DepotCore
import DepotSQLite

/// Goes once over what a manifest uses, and counts what a commit and its receipt need.
struct CommitCounts {
    /// Made once: a commit of many files has one statement of a kind for all.
    struct Statements {
        fileprivate let stored: SQLStatement
        fileprivate let inline: SQLStatement

        init(_ session: Session) throws {
            let copies = try "\(CopyCount.name)(\(CopySQL(session).vouchedAndGood))"
            stored = try session.statement(
                """
                SELECT r.chunk, c.hash, c.length, r.content, coalesce(p.is_new, 0), \(copies)
                FROM reference r CROSS JOIN chunk c ON c.id = r.chunk
                LEFT JOIN pin p ON p.deposit = ? AND p.chunk = r.chunk WHERE r.manifest = ?
                """)
            inline = try session.statement(
                """
                SELECT c.id, c.hash, c.length, 1, coalesce(p.is_new, 0), \(copies)
                FROM chunk c LEFT JOIN pin p ON p.deposit = ? AND p.chunk = c.id
                WHERE c.id = -?
                """)
        }
    }

    private(set) var lacking: [ChunkReference] = []
    /// Of the least replicated chunk: copies that were vouched for to the deposit and are good
    /// still. `nil` where there is nothing to copy.
    private(set) var copies: Int?
    /// Numbers of content chunks that the deposit brought, and that no file of its counted yet.
    private(set) var new: [Int64] = []
    private(set) var newBytes: UInt64 = 0
    private(set) var sharedBytes: UInt64 = 0

    init(
        manifest: Int64, deposit: Int64, copiesRequired: Int, by statements: Statements
    ) throws {
        let uses = manifest < 0 ? statements.inline : statements.stored
        try uses.visit(deposit, manifest) { row in
            let found = try row.get(5, as: Int.self)
            copies = min(copies ?? found, found)
            if found < copiesRequired {
                lacking.append(try ChunkReference(id: row.get(1), length: row.get(2)))
            }
            if try row.get(3) { try count(row) }
            return lacking.count < SQLiteCatalog.lackingMax
        }
        assert(lacking.count <= SQLiteCatalog.lackingMax)
        assert(
            lacking.isEmpty == ((copies ?? copiesRequired) >= copiesRequired),
            "the least replicated chunk decides")
    }

    private mutating func count(_ row: SQLRow) throws {
        let length = try row.get(2, as: UInt64.self)
        if try row.get(4) {
            new.append(try row.get(0))
            newBytes.increase(by: length)
        } else {
            sharedBytes.increase(by: length)
        }
    }

    /// The next file of the deposit that uses these chunks finds them there.
    func countAsShared(deposit: Int64, _ session: Session) throws {
        session.assertChange()
        let sharing = try session.statement(
            "UPDATE pin SET is_new = 0 WHERE deposit = ? AND chunk = ?")
        for chunk in new { try sharing.run(deposit, chunk) }
    }
}
