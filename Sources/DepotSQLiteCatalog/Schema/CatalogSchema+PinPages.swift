import GRDB

// A pin was a row for each chunk, and an entry by its chunk. It is a bit in a row for many now; see
// `PinSQL`.

extension CatalogSchema {
    static let pinPages = """
        CREATE TEMP TABLE pinned AS
            SELECT chunk >> 5 AS page, deposit, is_new, vouched, sum(1 << (chunk & 31)) AS chunks
            FROM pin GROUP BY 1, 2, 3, 4;
        DROP TABLE pin;
        -- The chunks page * 32 to page * 32 + 31 that a deposit has pinned and of which the same is known, a bit
        -- for each. fresh: the deposit brought them, and no file of its has counted them. vouched: a bit for each
        -- member that vouched for them to this deposit.
        CREATE TABLE pin_page (
            page INTEGER NOT NULL, deposit INTEGER NOT NULL REFERENCES deposit,
            fresh INTEGER NOT NULL, vouched INTEGER NOT NULL, chunks INTEGER NOT NULL,
            PRIMARY KEY (page, deposit, fresh, vouched)
        ) WITHOUT ROWID;
        CREATE INDEX pin_page_deposit ON pin_page (deposit, page, chunks);
        INSERT INTO pin_page (page, deposit, fresh, vouched, chunks)
            SELECT page, deposit, is_new, vouched, chunks FROM temp.pinned;
        DROP TABLE temp.pinned;

        """

    /// Reads the pins of deposits that are under way.
    static func registerPinPages(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration("18 pins in pages", foreignKeyChecks: .immediate) { database in
            try database.execute(sql: pinPages)
        }
    }
}
