import DepotCore
import DepotSQLite
import GRDB

// What cannot be opened is refused before anything is written.

extension CatalogOpening {
    /// Looks before anything is written: a file that is not ours, or not yet, stays as it is.
    func refuseForeign(_ identity: CatalogIdentityFile?) throws {
        guard FolderLock.exists(path) else { return }
        // A journal is there where the power was cut while the file was made; only a connection
        // that may write can roll it back.
        let isCutOff = FolderLock.exists(path + "-journal")
        let reader = try DatabaseQueue(
            path: path, configuration: configuration(readonly: !isCutOff))
        defer { try? reader.close() }
        try reader.read { database in
            // Before the log is written back: SQLite would then fill up a file that is too short.
            try CatalogCheck(path: path).refuseCut(database)
            // GRDB's own tables come first: a file that has no others is one whose making was cut
            // off.
            let tables = try Int.fetchOne(
                database, sql: "SELECT count(*) FROM sqlite_master WHERE tbl_name NOT LIKE 'grdb%'")
            let application = try Int32.fetchOne(database, sql: "PRAGMA application_id")
            guard tables == 0 || application == CatalogSchema.applicationID else {
                throw DepotError(
                    .formatUnsupported, "this file is no catalog of depot's; it was not touched",
                    object: path)
            }
            guard try !CatalogSchema.migrator.hasBeenSuperseded(database) else {
                throw DepotError(
                    .formatUnsupported,
                    "a newer depot has made this catalog; it was not touched. Run that depot",
                    object: path)
            }
            try identity?.requireCluster(database, path)
        }
    }

    func isMigrated(_ database: Database) throws -> Bool {
        try CatalogSchema.migrator.hasCompletedMigrations(database)
    }

    /// A table that is gone would be found when it is used, and one bit in the text that makes it
    /// would then look like a mistake of depot's; an index that is gone would never be found.
    func refuseIncomplete(_ database: Database) throws {
        let found = try CatalogSchema.parts(of: database)
        var wrong = try CatalogSchema.parts.get().filter { found[$0.key] != $0.value }
        if wrong.isEmpty,
            try Bool.fetchOne(database, sql: "SELECT carrying FROM cluster") == true
        {
            for name in CatalogSchema.carriedOver where found[name] == nil { wrong[name] = "" }
        }
        guard let name = wrong.keys.min() else { return }
        let what = found[name] == nil ? "is missing" : "is not what depot makes"
        throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "\(name) \(what)")
    }
}
