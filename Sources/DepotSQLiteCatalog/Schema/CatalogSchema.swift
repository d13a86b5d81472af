import GRDB

// Chunks, members, deposits and records have small integers for keys, so that the tables that grow with
// chunks times copies are written in order. Only `chunk` and `record` are searched by hash: keys that fall
// anywhere cost a page each.
//
// Nothing that can be derived is stored: a chunk's target is computed from files and leases whenever it is
// asked for, so it can never be out of date at the gate that lets copies go.

/// The tables of the catalog, and how an older file gets them.
enum CatalogSchema {
    /// Says that a SQLite file is a catalog of depot's: "depo" in ASCII.
    static let applicationID: Int32 = 0x6465_706f

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

    /// `clock` is the running time in milliseconds when the last change was made, `tick` counts changes,
    /// `horizon` is the latest tick of a setback that is forgotten.
    private static let cluster = """
        CREATE TABLE cluster (
            one INTEGER PRIMARY KEY CHECK (one = 1),
            cluster BLOB NOT NULL, epoch INTEGER NOT NULL, counter INTEGER NOT NULL,
            tick INTEGER NOT NULL, clock INTEGER NOT NULL, horizon INTEGER NOT NULL
        );
        -- observed, regressed: the ticks when the position was noted, and when it last went back.
        CREATE TABLE member (
            id INTEGER PRIMARY KEY CHECK (id BETWEEN 0 AND 62),
            replica BLOB NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE, url TEXT NOT NULL UNIQUE,
            zone TEXT NOT NULL, capacity INTEGER NOT NULL,
            opens INTEGER NOT NULL, segment INTEGER NOT NULL, offset INTEGER NOT NULL,
            observed INTEGER NOT NULL, regressed INTEGER NOT NULL
        );

        """

    private static let chunks = """
        CREATE TABLE chunk (
            id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, length INTEGER NOT NULL
        );
        -- state: see HoldingState.number.
        CREATE TABLE holding (
            chunk INTEGER NOT NULL REFERENCES chunk, replica INTEGER NOT NULL REFERENCES member,
            state INTEGER NOT NULL, PRIMARY KEY (chunk, replica)
        ) WITHOUT ROWID;
        CREATE INDEX holding_replica ON holding (replica, state, chunk);
        -- When a copy was last released or found bad: older words for it are void.
        CREATE TABLE setback (
            chunk INTEGER NOT NULL, replica INTEGER NOT NULL, tick INTEGER NOT NULL,
            time INTEGER NOT NULL, PRIMARY KEY (chunk, replica)
        ) WITHOUT ROWID;
        CREATE INDEX setback_time ON setback (time);
        CREATE TABLE manifest (
            chunk INTEGER PRIMARY KEY REFERENCES chunk, complete INTEGER NOT NULL
        );
        -- What a manifest uses: content, pieces, and itself. By manifest and not by file, so that depositing
        -- the same content again writes none.
        CREATE TABLE reference (
            manifest INTEGER NOT NULL REFERENCES manifest, chunk INTEGER NOT NULL REFERENCES chunk,
            content INTEGER NOT NULL, PRIMARY KEY (manifest, chunk)
        ) WITHOUT ROWID;
        CREATE INDEX reference_chunk ON reference (chunk, manifest);

        """

    private static let deposits = """
        -- deadline: in running time; NULL when the lease is over and only receipts are kept.
        CREATE TABLE deposit (
            id INTEGER PRIMARY KEY, uuid BLOB NOT NULL UNIQUE, level INTEGER NOT NULL,
            lease INTEGER NOT NULL, deadline INTEGER
        );
        CREATE INDEX deposit_deadline ON deposit (deadline) WHERE deadline IS NOT NULL;
        -- vouched: a bit for each member that vouched for the chunk to this deposit.
        CREATE TABLE pin (
            deposit INTEGER NOT NULL REFERENCES deposit, chunk INTEGER NOT NULL REFERENCES chunk,
            is_new INTEGER NOT NULL, vouched INTEGER NOT NULL, PRIMARY KEY (deposit, chunk)
        ) WITHOUT ROWID;
        CREATE INDEX pin_chunk ON pin (chunk, deposit);
        CREATE TABLE retrieval (
            id INTEGER PRIMARY KEY, uuid BLOB NOT NULL UNIQUE,
            manifest INTEGER NOT NULL REFERENCES manifest, deadline INTEGER NOT NULL
        );
        CREATE INDEX retrieval_deadline ON retrieval (deadline);
        CREATE INDEX retrieval_manifest ON retrieval (manifest);

        """

    private static let files = """
        -- Every commit's record, in order of commit; pending: still in the outbox.
        CREATE TABLE record (
            id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, text BLOB NOT NULL,
            pending INTEGER NOT NULL
        );
        CREATE INDEX record_pending ON record (id) WHERE pending = 1;
        CREATE TABLE record_holding (
            record INTEGER NOT NULL REFERENCES record, replica INTEGER NOT NULL REFERENCES member,
            PRIMARY KEY (record, replica)
        ) WITHOUT ROWID;
        CREATE TABLE file (
            name TEXT PRIMARY KEY NOT NULL, epoch INTEGER NOT NULL, counter INTEGER NOT NULL,
            manifest INTEGER NOT NULL REFERENCES manifest, size INTEGER NOT NULL,
            level INTEGER NOT NULL, mode INTEGER, modified INTEGER, content_type TEXT,
            time INTEGER NOT NULL, record INTEGER NOT NULL REFERENCES record
        ) WITHOUT ROWID;
        CREATE INDEX file_manifest ON file (manifest, level);
        CREATE TABLE tombstone (
            name TEXT PRIMARY KEY NOT NULL, epoch INTEGER NOT NULL, counter INTEGER NOT NULL,
            level INTEGER NOT NULL, time INTEGER NOT NULL,
            record INTEGER NOT NULL REFERENCES record
        ) WITHOUT ROWID;
        CREATE TABLE receipt (
            deposit INTEGER NOT NULL REFERENCES deposit, name TEXT NOT NULL,
            record INTEGER NOT NULL REFERENCES record, copies INTEGER NOT NULL,
            chunks INTEGER NOT NULL, new_chunks INTEGER NOT NULL, new_bytes INTEGER NOT NULL,
            shared_bytes INTEGER NOT NULL, PRIMARY KEY (deposit, name)
        ) WITHOUT ROWID;

        """

    private static let upkeep = """
        -- unused: since when nobody uses the chunk, in running time, as far as that was noted.
        ALTER TABLE chunk ADD COLUMN unused INTEGER;
        CREATE INDEX chunk_unused ON chunk (unused) WHERE unused IS NOT NULL;
        -- inventoried: the tick before which its last whole inventory was begun.
        ALTER TABLE member ADD COLUMN draining INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE member ADD COLUMN inventoried INTEGER NOT NULL DEFAULT 0;
        CREATE TABLE forgotten (replica BLOB PRIMARY KEY) WITHOUT ROWID;
        -- rebuilding: it is being filled from replicas. awaited: members that were away when it was.
        ALTER TABLE cluster ADD COLUMN rebuilding INTEGER NOT NULL DEFAULT 0;
        CREATE TABLE awaited (replica BLOB PRIMARY KEY) WITHOUT ROWID;
        -- checked: running time when it was last read to its end; time: the same for people.
        CREATE TABLE segment (
            replica INTEGER NOT NULL REFERENCES member, number INTEGER NOT NULL,
            nonce INTEGER NOT NULL, bytes INTEGER NOT NULL, copies INTEGER NOT NULL,
            sealed INTEGER NOT NULL, checked INTEGER, time INTEGER, problems INTEGER NOT NULL,
            PRIMARY KEY (replica, number)
        ) WITHOUT ROWID;
        -- delivered: the tick when it was found to be where it belongs.
        ALTER TABLE record ADD COLUMN name TEXT;
        ALTER TABLE record ADD COLUMN delivered INTEGER NOT NULL DEFAULT 0;
        UPDATE record SET name = json_extract(CAST(text AS TEXT), '$.name');
        CREATE INDEX record_name ON record (name);
        CREATE INDEX record_holding_replica ON record_holding (replica, record);
        CREATE INDEX file_record ON file (record);
        CREATE INDEX tombstone_record ON tombstone (record);
        CREATE INDEX receipt_record ON receipt (record);

        """

    private static let receipts = """
        -- ended: when the lease was found to be over, in running time.
        ALTER TABLE deposit ADD COLUMN ended INTEGER;
        UPDATE deposit SET ended = (SELECT clock FROM cluster) WHERE deadline IS NULL;
        CREATE INDEX deposit_ended ON deposit (ended) WHERE ended IS NOT NULL;

        """

    private static let retrievals = """
        -- No retrieval outlives its FileServer: there is nothing to carry over.
        DROP TABLE retrieval;
        CREATE TABLE retrieval (
            uuid BLOB NOT NULL, manifest INTEGER NOT NULL REFERENCES manifest,
            deadline INTEGER NOT NULL, PRIMARY KEY (uuid, manifest)
        ) WITHOUT ROWID;
        CREATE INDEX retrieval_deadline ON retrieval (deadline);
        CREATE INDEX retrieval_manifest ON retrieval (manifest);

        """
}
