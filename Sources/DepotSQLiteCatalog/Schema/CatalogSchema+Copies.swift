import GRDB

// Where a chunk's copies are believed to be was a table, `holding`: a row and an index entry for
// each copy. It is two masks in the chunk's row now. A catalog that has rows in the old table is
// carried over while it is in use, see `CarryOver`; the table goes with its last row.

extension CatalogSchema {
    static let strays = """
        -- strayed: the tick when it was last let delete chunks that no row tells of.
        ALTER TABLE member ADD COLUMN strayed INTEGER NOT NULL DEFAULT 0;

        """

    static let replaced = """
        -- The manifest of the file that a record replaced or deleted; see ReplacedFiles.
        CREATE TABLE replaced (
            record INTEGER NOT NULL REFERENCES record, manifest INTEGER NOT NULL,
            PRIMARY KEY (record, manifest)
        ) WITHOUT ROWID;
        CREATE INDEX replaced_manifest ON replaced (manifest);

        """

    static let copiesInRows = "8 copies in the rows of chunks"

    /// What a catalog that is being carried over has besides: as the first migration made it.
    static let carriedOver = ["holding", "holding_replica"]

    static let copies = """
        -- bit: stands for its copies in masks.
        ALTER TABLE member ADD COLUMN bit INTEGER;
        UPDATE member SET bit = id;
        CREATE UNIQUE INDEX member_bit ON member (bit);
        -- Bits that stood for a member's copies before its log went back (member), or before it was forgotten (NULL).
        -- progress: see FormerBits. deposit: the last one that was there then.
        CREATE TABLE former_bit (
            bit INTEGER PRIMARY KEY CHECK (bit BETWEEN 0 AND 62), member INTEGER REFERENCES member,
            progress INTEGER NOT NULL, deposit INTEGER NOT NULL
        );
        -- Masks of members' bits. rare: whether a copy may be in the table verdict.
        ALTER TABLE chunk ADD COLUMN good INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE chunk ADD COLUMN unproved INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE chunk ADD COLUMN rare INTEGER NOT NULL DEFAULT 0;
        -- Copies that are bad or released. state: see HoldingState.number.
        CREATE TABLE verdict (
            chunk INTEGER NOT NULL REFERENCES chunk, replica INTEGER NOT NULL REFERENCES member,
            state INTEGER NOT NULL, PRIMARY KEY (chunk, replica)
        ) WITHOUT ROWID;
        CREATE INDEX verdict_replica ON verdict (replica, state, chunk);
        -- carrying: whether the table holding has rows still. swept: the chunk up to which former bits are cleared.
        ALTER TABLE cluster ADD COLUMN carrying INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE cluster ADD COLUMN swept INTEGER NOT NULL DEFAULT 0;

        """

    /// Reads nothing that grows with the depot: not even the check of references that GRDB makes
    /// after other migrations.
    static func registerCopies(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration(copiesInRows, foreignKeyChecks: .immediate) { database in
            let isEmpty = try Bool.fetchOne(
                database, sql: "SELECT NOT EXISTS (SELECT 1 FROM holding)")
            // First: what comes takes its pages.
            if isEmpty == true { try database.execute(sql: "DROP TABLE holding") }
            try database.execute(sql: copies)
            if isEmpty != true { try database.execute(sql: "UPDATE cluster SET carrying = 1") }
        }
    }
}
