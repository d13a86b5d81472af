import GRDB

// What a name was before stays as a row of `version`, until it is forgotten; see `VersionTable`. What
// uses chunks and records is asked for in both tables.

extension CatalogSchema {
    static let versions = """
        -- since: when the name began to say what it says, for people; NULL: at its time.
        ALTER TABLE file ADD COLUMN since INTEGER;
        -- deleted: the word was a deletion; manifest is that of an empty file then.
        -- target: the copies that it asks for; 0 where the next word has the same content.
        -- ended: running time when the next word took its place. until: since when the name said
        -- that next word, for people; nothing tells what it was after, unless that word is kept.
        CREATE TABLE version (
            name TEXT NOT NULL, epoch INTEGER NOT NULL, counter INTEGER NOT NULL,
            deleted INTEGER NOT NULL, manifest INTEGER NOT NULL, size INTEGER NOT NULL,
            level INTEGER NOT NULL, target INTEGER NOT NULL, time INTEGER NOT NULL,
            since INTEGER NOT NULL, until INTEGER NOT NULL, record INTEGER NOT NULL,
            ended INTEGER NOT NULL,
            PRIMARY KEY (name, epoch, counter)
        ) WITHOUT ROWID;
        CREATE INDEX version_manifest ON version (manifest, target);
        CREATE INDEX version_record ON version (record);
        CREATE INDEX version_ended ON version (ended);

        """

    /// Reads nothing that grows with the depot.
    static func registerVersions(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration("15 versions of files", foreignKeyChecks: .immediate) {
            database in
            try database.execute(sql: versions)
        }
    }
}
