import GRDB

// Chunks, members, deposits and records have small integers for keys, so that the tables that grow
// with chunks times copies are written in order. Only `chunk` and `record` are searched by hash:
// keys that fall anywhere cost a page each.
//
// Nothing that can be derived is stored: a chunk's target is computed from files and leases
// whenever it is asked for, so it can never be out of date at the gate that lets copies go.

/// The tables of the catalog, and how an older file gets them.
enum CatalogSchema {
    /// Says that a SQLite file is a catalog of depot's: "depo" in ASCII.
    static let applicationID: Int32 = 0x6465_706f

    /// Says that every page of the catalog has a checksum, see `PageChecksums`; whatever its header
    /// says.
    static let checksums = "6 checksums of pages"

    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 files, chunks, copies, deposits") { database in
            try database.execute(sql: "PRAGMA application_id = \(applicationID)")
            try database.execute(sql: cluster + chunks + deposits + files)
        }
        migrator.registerMigration("2 upkeep") { database in
            try database.execute(sql: upkeep)
        }
        migrator.registerMigration("3 age of receipts") { database in
            try database.execute(sql: receipts)
        }
        migrator.registerMigration("4 retrievals of many files") { database in
            try database.execute(sql: retrievals)
        }
        migrator.registerMigration("5 restarts and unexplained records") { database in
            try database.execute(sql: restarts)
        }
        // An older depot would write pages without checksums. It refuses a catalog with a migration
        // that it does not know.
        migrator.registerMigration(checksums) { _ in }
        migrator.registerMigration("7 claims of starts") { database in
            try database.execute(sql: claims)
        }
        migrator.registerMigration("7 claims of deposits") { database in
            try database.execute(sql: pinCounts)
        }
        registerCopies(in: &migrator)
        migrator.registerMigration("9 strays", foreignKeyChecks: .immediate) { database in
            try database.execute(sql: strays)
        }
        migrator.registerMigration("10 files that were replaced", foreignKeyChecks: .immediate) {
            database in
            try database.execute(sql: replaced)
        }
        registerInlineManifests(in: &migrator)
        registerBatches(in: &migrator)
        registerReceiptsInRows(in: &migrator)
        registerFormerNumbers(in: &migrator)
        registerVersions(in: &migrator)
        registerLocks(in: &migrator)
        registerMoved(in: &migrator)
        registerPinPages(in: &migrator)
        return migrator
    }

    /// All tables and indexes: each one's name, and what makes it.
    static let parts = Result {
        let plan = try DatabaseQueue()
        try migrator.migrate(plan)
        return try plan.read { try parts(of: $0) }
    }

    static func parts(of database: Database) throws -> [String: String] {
        let rows = try Row.fetchAll(
            database, sql: "SELECT name, coalesce(sql, '') AS sql FROM sqlite_master")
        return Dictionary(rows.map { ($0["name"], $0["sql"]) }) { first, _ in first }
    }
}
