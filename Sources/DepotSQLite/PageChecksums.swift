import CSQLiteChecksums
import GRDB
import GRDBSQLite

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

// SQLite itself keeps no checksums, so that one bit that flipped on a disk gives another row and no
// error. The layer that `CSQLiteChecksums` puts below it tells; here a database is made with them,
// and one that has none is refused or carried over.

extension Configuration {
    /// Has all pages of a database checked whenever they are read. An empty one is made so that
    /// they can be.
    ///
    /// What is opened with it and has pages without checksums is `SQLITE_CORRUPT`: carry it over
    /// before.
    package mutating func requireChecksums() {
        PageChecksums.install()
        prepareDatabase { try PageChecksums.require($0) }
    }
}

package enum PageChecksums {
    private static let installation = depot_checksums_install()

    /// Puts the layer below every database that is opened from now on.
    package static func install() { _ = installation }

    /// Whether they are there: what the header says. Damage may have changed that.
    package static func areKept(in database: Database) -> Bool {
        depot_checksums_are_kept(database.sqliteConnection, "main") != 0
    }

    /// Whether there is a database whose pages have none, as far as its header says the truth.
    package static func areMissing(at path: String) throws -> Bool {
        guard access(path, F_OK) == 0 else { return false }
        install()
        let queue = try DatabaseQueue(path: path)
        defer { try? queue.close() }
        return try queue.read { try !areKept(in: $0) && !isEmpty($0) }
    }

    static func require(_ database: Database) throws {
        try check(installation)
        if areKept(in: database) { return }
        if !database.configuration.readonly, try isEmpty(database) {
            try check(depot_checksums_begin(database.sqliteConnection, "main"))
            return
        }
        throw DatabaseError(
            resultCode: .SQLITE_CORRUPT, message: "the header says that pages have no checksums")
    }

    package static func isEmpty(_ database: Database) throws -> Bool {
        try Int.fetchOne(database, sql: "PRAGMA page_count") == 0
    }

    /// Gives checksums to a database that has none. Everything is looked at before, and written
    /// anew: by SQLite, in one transaction, so that a crash leaves the old one or the new one.
    /// Meanwhile it takes three times the room, once of it in the folder for temporary files.
    ///
    /// - Throws: `SQLITE_CORRUPT` where it is damaged; then it stays as it is.
    package static func carryOver(_ path: String) throws {
        install()
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        defer { try? queue.close() }
        try queue.writeWithoutTransaction { database in
            try refuseDamaged(database)
            // With a rollback journal a crash would have old pages written back among new ones.
            let mode = try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL")
            guard mode == "wal" else { throw DatabaseError(resultCode: .SQLITE_BUSY) }
            var bytes = DEPOT_CHECKSUM_BYTES
            try check(
                sqlite3_file_control(
                    database.sqliteConnection, "main", SQLITE_FCNTL_RESERVE_BYTES, &bytes))
            try database.execute(sql: "PRAGMA synchronous = FULL; VACUUM")
            try database.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)")
        }
    }

    /// Once it has checksums, what is wrong in it is right for ever: so indexes are compared with
    /// their tables, too.
    private static func refuseDamaged(_ database: Database) throws {
        let found = try String.fetchAll(database, sql: "PRAGMA integrity_check(1)")
        guard found == ["ok"] else {
            throw DatabaseError(
                resultCode: .SQLITE_CORRUPT, message: found.first ?? "nothing was checked")
        }
    }

    private static func check(_ code: Int32) throws {
        guard code != SQLITE_OK else { return }
        throw DatabaseError(resultCode: ResultCode(rawValue: code))
    }
}
