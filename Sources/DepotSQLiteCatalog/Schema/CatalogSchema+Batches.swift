import GRDB

// A row of `record` is what replicas keep as one object. A record alone has its text there. Records
// that are kept together are rows of `line`, with consecutive numbers. The rows of files, tombstones,
// receipts and of `replaced` name a record by a number: that of its object where it is alone, the
// negative of its line's otherwise. So they refer to two tables, which no foreign key can say.

extension CatalogSchema {
    static let batches = """
        -- line, lines: of records that are kept together, the first in the table line, and how many they are.
        -- unexplained: see RestorationCatalog.enter.
        ALTER TABLE record ADD COLUMN line INTEGER;
        ALTER TABLE record ADD COLUMN lines INTEGER;
        ALTER TABLE record ADD COLUMN unexplained INTEGER NOT NULL DEFAULT 0;
        CREATE TABLE line (
            id INTEGER PRIMARY KEY, record INTEGER NOT NULL, name TEXT NOT NULL, hash BLOB NOT NULL,
            text BLOB NOT NULL
        );
        CREATE INDEX line_name ON line (name);

        """

    /// Reads nothing that grows with the depot.
    static func registerBatches(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration(
            "12 records that are kept together", foreignKeyChecks: .immediate
        ) { database in
            try database.execute(sql: "PRAGMA writable_schema = 1")
            try database.execute(
                sql: """
                    UPDATE sqlite_master SET sql = replace(
                        sql, 'record INTEGER NOT NULL REFERENCES record', 'record INTEGER NOT NULL')
                    WHERE type = 'table' AND name IN ('file', 'tombstone', 'receipt', 'replaced')
                    """)
            try database.execute(sql: "PRAGMA writable_schema = RESET")
            // Making a table tells all connections that the schema is another one.
            try database.execute(sql: batches)
        }
    }
}
