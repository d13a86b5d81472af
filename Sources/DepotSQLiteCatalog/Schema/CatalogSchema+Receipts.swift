import GRDB

// The receipt of a commit was a row of `receipt` and an entry by its record. While its record is that
// of a file it is in the file's row now, and in the table from then on; see `ReceiptTable`.

extension CatalogSchema {
    static let receiptsInRows = """
        -- What the deposit was told that committed the row's record; NULL where none did.
        ALTER TABLE file ADD COLUMN deposit BLOB;
        ALTER TABLE file ADD COLUMN copies INTEGER;
        ALTER TABLE file ADD COLUMN chunks INTEGER;
        ALTER TABLE file ADD COLUMN new_chunks INTEGER;
        ALTER TABLE file ADD COLUMN new_bytes INTEGER;
        ALTER TABLE file ADD COLUMN shared_bytes INTEGER;
        -- committed: the counter of its first commit; NULL before. Those of before may have committed something.
        ALTER TABLE deposit ADD COLUMN committed INTEGER DEFAULT 0;

        """

    /// Reads nothing that grows with the depot. Receipts of before stay where they are.
    static func registerReceiptsInRows(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration(
            "13 receipts in the rows of files", foreignKeyChecks: .immediate
        ) { database in
            try database.execute(sql: receiptsInRows)
        }
    }
}
