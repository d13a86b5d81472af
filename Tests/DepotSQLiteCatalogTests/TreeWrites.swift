import DepotTestSupport
import GRDB

@testable import DepotSQLiteCatalog

/// Counts what a connection writes into the trees of a catalog: a row of a table is one, and so is each entry of an
/// index that comes, goes or changes.
struct TreeWrites {
    private struct Index {
        let columns: [String]
        /// Whether a row, `NEW` or `OLD`, has an entry.
        let condition: (String) -> String
    }

    /// Has the connection that changes the catalog count, by triggers that it alone has.
    static func count(in catalog: SQLiteCatalog) async throws {
        try await catalog.queue.change { session in
            let database = session.database
            try database.execute(
                sql: "CREATE TEMP TABLE written (tree TEXT PRIMARY KEY, count INTEGER)")
            let tables = try String.fetchAll(
                database,
                sql:
                    "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE 'grdb%'"
            )
            for table in tables { try watch(table, database) }
        }
    }

    /// By tree, since it was last asked.
    static func taken(from catalog: SQLiteCatalog) async throws -> [String: Int] {
        try await catalog.queue.change { session in
            let rows = try Row.fetchAll(session.database, sql: "SELECT tree, count FROM written")
            try session.database.execute(sql: "DELETE FROM written")
            var counts: [String: Int] = [:]
            for row in rows { counts[row["tree"]] = row["count"] }
            // Each transaction writes the tick, this one too.
            return counts.filter { $0.key != "cluster" }
        }
    }

    private static func watch(_ table: String, _ database: Database) throws {
        var number = 0
        func add(_ event: String, _ tree: String, when: String = "1") throws {
            number += 1
            try database.execute(
                sql: """
                    CREATE TEMP TRIGGER count_\(table)_\(number) AFTER \(event) ON main.\(table) WHEN \(when)
                    BEGIN
                        INSERT INTO written VALUES ('\(tree)', 1)
                            ON CONFLICT DO UPDATE SET count = count + 1;
                    END
                    """)
        }
        for event in ["INSERT", "UPDATE", "DELETE"] { try add(event, table) }
        for (name, index) in try indexes(of: table, database) {
            let (old, new) = (index.condition("OLD"), index.condition("NEW"))
            try add("INSERT", name, when: new)
            try add("DELETE", name, when: old)
            let changed = index.columns.map { "OLD.\($0) IS NOT NEW.\($0)" }
                .joined(separator: " OR ")
            try add("UPDATE", name, when: "(\(changed)) AND ((\(old)) OR (\(new)))")
        }
    }

    private static func indexes(
        of table: String, _ database: Database
    ) throws -> [(String, Index)] {
        // The key of a table without row numbers is the table itself.
        let found = try Row.fetchAll(
            database, sql: "SELECT name, origin FROM pragma_index_list(?)", arguments: [table])
        let isWithoutRowid =
            try String.fetchOne(
                database, sql: "SELECT sql FROM main.sqlite_master WHERE name = ?",
                arguments: [table])?.contains("WITHOUT ROWID") == true
        return try found.compactMap { row in
            let name: String = row["name"]
            if isWithoutRowid, row["origin"] == "pk" { return nil }
            let columns = try String.fetchAll(
                database, sql: "SELECT name FROM pragma_index_info(?)", arguments: [name])
            let text =
                try String.fetchOne(
                    database, sql: "SELECT sql FROM main.sqlite_master WHERE name = ?",
                    arguments: [name]) ?? ""
            let parts = text.components(separatedBy: " WHERE ")
            let condition = parts.count == 2 ? parts[1] : nil
            return (
                name,
                Index(columns: columns) { row in condition.map { "\(row).\($0)" } ?? "1" }
            )
        }
    }
}
