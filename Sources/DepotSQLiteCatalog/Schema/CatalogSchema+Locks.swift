import GRDB

// What is locked of a name is in each record of the name; here it is with the time that decides. See
// `LockTable`.

extension CatalogSchema {
    static let locks = """
        -- content: the id of the manifest, inline ones included. until: seconds since 1970, for people.
        -- deadline: running time when that is.
        CREATE TABLE lock (
            name TEXT NOT NULL, content BLOB NOT NULL, until INTEGER, deadline INTEGER,
            held INTEGER NOT NULL,
            PRIMARY KEY (name, content)
        ) WITHOUT ROWID;
        -- since: when the name was deleted, where a later word says only what is locked of it.
        ALTER TABLE tombstone ADD COLUMN since INTEGER;

        """

    /// Reads nothing that grows with the depot.
    static func registerLocks(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration("16 locks", foreignKeyChecks: .immediate) { database in
            try database.execute(sql: locks)
        }
    }
}
