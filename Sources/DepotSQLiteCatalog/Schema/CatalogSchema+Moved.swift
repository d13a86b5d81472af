import GRDB

// Records of an object that is to go are kept in another one, see `SQLiteCatalog+RewrittenRecords`.

extension CatalogSchema {
    static let moved = """
        -- Records of the object old are in the object new, too, which is to be in place before old goes.
        -- level: the highest that one of them asks for.
        CREATE TABLE moved (
            old INTEGER NOT NULL, new INTEGER NOT NULL, level INTEGER NOT NULL,
            PRIMARY KEY (old, new)
        ) WITHOUT ROWID;
        CREATE INDEX moved_new ON moved (new);

        """

    /// Reads nothing that grows with the depot.
    static func registerMoved(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration("17 records that were moved", foreignKeyChecks: .immediate) {
            database in
            try database.execute(sql: moved)
        }
    }
}
