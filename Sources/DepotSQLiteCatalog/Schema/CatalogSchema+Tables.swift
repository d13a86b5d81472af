// What each migration makes. A text stays as it is for ever: the file of a catalog keeps it, and
// opening compares the two.

extension CatalogSchema {
    /// `clock` is the running time in milliseconds when the last change was made, `tick` counts
    /// changes, `horizon` is the latest tick of a setback that is forgotten.
    static let cluster = """
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

    static let chunks = """
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
        -- What a manifest uses: content, pieces, and itself. By manifest and not by file, so that
        -- depositing the same content again writes none.
        CREATE TABLE reference (
            manifest INTEGER NOT NULL REFERENCES manifest, chunk INTEGER NOT NULL REFERENCES chunk,
            content INTEGER NOT NULL, PRIMARY KEY (manifest, chunk)
        ) WITHOUT ROWID;
        CREATE INDEX reference_chunk ON reference (chunk, manifest);

        """

    static let deposits = """
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

    static let files = """
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

    static let upkeep = """
        -- unused: since when nobody uses the chunk, in running time, as far as that was noted.
        ALTER TABLE chunk ADD COLUMN unused INTEGER;
        CREATE INDEX chunk_unused ON chunk (unused) WHERE unused IS NOT NULL;
        -- inventoried: the tick before which its last whole inventory was begun.
        ALTER TABLE member ADD COLUMN draining INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE member ADD COLUMN inventoried INTEGER NOT NULL DEFAULT 0;
        CREATE TABLE forgotten (replica BLOB PRIMARY KEY) WITHOUT ROWID;
        -- rebuilding: it is being filled from replicas. awaited: members that were away when it
        -- was.
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

    static let receipts = """
        -- ended: when the lease was found to be over, in running time.
        ALTER TABLE deposit ADD COLUMN ended INTEGER;
        UPDATE deposit SET ended = (SELECT clock FROM cluster) WHERE deadline IS NULL;
        CREATE INDEX deposit_ended ON deposit (ended) WHERE ended IS NOT NULL;

        """

    static let retrievals = """
        -- No retrieval outlives its FileServer: there is nothing to carry over.
        DROP TABLE retrieval;
        CREATE TABLE retrieval (
            uuid BLOB NOT NULL, manifest INTEGER NOT NULL REFERENCES manifest,
            deadline INTEGER NOT NULL, PRIMARY KEY (uuid, manifest)
        ) WITHOUT ROWID;
        CREATE INDEX retrieval_deadline ON retrieval (deadline);
        CREATE INDEX retrieval_manifest ON retrieval (manifest);

        """

    static let restarts = """
        -- restarted: the tick when it was found to have been started again, or its log to have gone
        -- back. An inventory that was begun before does not count any more. unexplained: of the
        -- records that its last inventory showed and that nobody can explain, the name of the
        -- first.
        ALTER TABLE member ADD COLUMN restarted INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE member ADD COLUMN unexplained TEXT;
        -- alone: from this counter on nobody else can have given a sequence of this epoch.
        ALTER TABLE cluster ADD COLUMN alone INTEGER NOT NULL DEFAULT 0;
        UPDATE cluster SET alone = counter;

        """

    static let claims = """
        -- What each start has claimed, see WriterClaim.
        CREATE TABLE claim (number INTEGER PRIMARY KEY, writer BLOB NOT NULL);
        ALTER TABLE cluster ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;

        """

    static let pinCounts = """
        -- pins, unproved: how many it has, and for how many of these nobody has vouched yet.
        ALTER TABLE deposit ADD COLUMN pins INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE deposit ADD COLUMN unproved INTEGER NOT NULL DEFAULT 0;
        UPDATE deposit SET pins = (SELECT count(*) FROM pin p WHERE p.deposit = deposit.id),
            unproved = (SELECT count(*) FROM pin p WHERE p.deposit = deposit.id AND p.vouched = 0);
        -- abandoned: a lease brought it, and ended before anything was committed that uses it.
        ALTER TABLE chunk ADD COLUMN abandoned INTEGER NOT NULL DEFAULT 0;
        -- What was staged on a client's word is staged again, on that of replicas.
        UPDATE manifest SET complete = 0 WHERE NOT EXISTS (
            SELECT 1 FROM file f WHERE f.manifest = manifest.chunk);

        """
}
