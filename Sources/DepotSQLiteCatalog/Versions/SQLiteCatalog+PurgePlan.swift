import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    public func purgePlan(
        _ name: FileName, isRecursive: Bool
    ) async throws(DepotError) -> PurgePlan {
        try await queue.view { session in
            let names = PurgedNames(name, isRecursive: isRecursive)
            let bytes = try names.bytes(session)
            return PurgePlan(
                names: try names.count("SELECT count(*) FROM file f WHERE", "f.name", session),
                versions: try names.count(
                    "SELECT count(*) FROM version w WHERE w.deleted = 0 AND", "w.name", session),
                lockedNames: try names.count(
                    "SELECT count(DISTINCT l.name) FROM lock l WHERE \(LockTable.isActive("l", now: "?4")) AND",
                    "l.name", session),
                uniqueBytes: bytes.unique, storedBytes: bytes.stored)
        }
    }
}

/// Names that are to be purged, in SQL: the first three values are theirs, the fourth is the running
/// time.
private struct PurgedNames {
    private let name: String
    /// Names below it lie between these, in the order of names.
    private let first: String
    private let end: String

    init(_ name: FileName, isRecursive: Bool) {
        self.name = name.text
        first = isRecursive ? "\(name)/" : name.text
        // '0' comes behind '/'.
        end = isRecursive ? "\(name)0" : name.text
    }

    private static func isOne(_ column: String) -> String {
        "(\(column) = ?1 OR \(column) >= ?2 AND \(column) < ?3)"
    }

    func count(_ selection: String, _ column: String, _ session: Session) throws -> Int {
        try session.statement("\(selection) \(Self.isOne(column)) AND ?4 IS NOT NULL").first(
            name, first, end, session.now
        ) { try $0.get(0) } ?? 0
    }

    /// Of chunks that only these names use.
    func bytes(_ session: Session) throws -> (unique: UInt64, stored: UInt64) {
        let goes = { (column: String) in
            """
            (\(Self.isOne(column)) AND NOT EXISTS (
                SELECT 1 FROM lock l WHERE l.name = \(column) AND \(LockTable.isActive("l", now: "?4"))))
            """
        }
        func isUsed(by condition: (String) -> String) -> String {
            ["file", "version"].map { table in
                """
                EXISTS (SELECT 1 FROM \(table) u WHERE u.manifest = -c.id AND \(condition("u.name")))
                OR EXISTS (SELECT 1 FROM reference r CROSS JOIN \(table) u ON u.manifest = r.manifest
                    WHERE r.chunk = c.id AND \(condition("u.name")))
                """
            }.joined(separator: " OR ")
        }
        let copies = try CopySQL(session).goodCount(on: session.members().current)
        return try session.statement(
            """
            SELECT coalesce(sum(c.length), 0), coalesce(sum(c.length * \(copies)), 0) FROM chunk c
            WHERE (\(isUsed(by: goes))) AND NOT (\(isUsed { "NOT " + goes($0) }))
            """
        ).first(name, first, end, session.now) { try ($0.get(0), $0.get(1)) } ?? (0, 0)
    }
}
