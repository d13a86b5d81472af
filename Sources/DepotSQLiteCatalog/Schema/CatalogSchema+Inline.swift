import GRDB

// A file of one chunk has an inline manifest: nobody keeps its text, and its row names the chunk
// itself, by the negative of its number. So `file.manifest` and `retrieval.manifest` refer to two
// tables, which no foreign key can say.

extension CatalogSchema {
    /// `retrieval` as the fourth migration made it, but for the reference: no retrieval outlives its
    /// FileServer.
    static let inlineManifests = """
        DROP TABLE retrieval;
        CREATE TABLE retrieval (
            uuid BLOB NOT NULL, manifest INTEGER NOT NULL, deadline INTEGER NOT NULL,
            PRIMARY KEY (uuid, manifest)
        ) WITHOUT ROWID;
        CREATE INDEX retrieval_deadline ON retrieval (deadline);
        CREATE INDEX retrieval_manifest ON retrieval (manifest);

        """

    /// Reads nothing that grows with the depot. SQLite has no statement that takes a reference from
    /// a column, but one row of its schema says it.
    static func registerInlineManifests(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration("11 inline manifests", foreignKeyChecks: .immediate) {
            database in
            try database.execute(sql: "PRAGMA writable_schema = 1")
            try database.execute(
                sql: """
                    UPDATE sqlite_master
                    SET sql = replace(sql, ' REFERENCES manifest, size', ', size')
                    WHERE type = 'table' AND name = 'file'
                    """)
            try database.execute(sql: "PRAGMA writable_schema = RESET")
            // Making a table tells all connections that the schema is another one.
            try database.execute(sql: inlineManifests)
        }
    }
}
