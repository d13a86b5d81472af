import DepotCore
import DepotSQLite
import Dispatch
import GRDB

/// Opens or makes the file of a catalog, so that what it commits is durable.
struct CatalogOpening {
    /// Opening is rare and short.
    static let queue = DispatchQueue(label: "depot.catalog.opening")

    /// What the writer's connection caches, and each of the `readersMax` others, in KiB.
    private static let (writerCacheKiB, readerCacheKiB) = (16 << 10, 8 << 10)
    /// Each commit is synced.
    static let synchronous = "FULL"
    /// Views that run side by side; more wait. Each has a thread and a cache.
    private static let readersMax = 4
    /// The log is cut back to this after it grew in a large change.
    private static let logMax = 64 << 20
    /// Nobody else opens the file but an operator's tool, for a moment.
    private static let busySeconds = 5.0

    let folder: String
    let clock: CatalogClock
    var isTemporary = false
    /// The cluster of a catalog that is to be filled from replicas; there must be none yet.
    var rebuilding: ClusterIdentity?
    /// A larger one is not gone over before it is open, see `CatalogCheck`.
    var checkedMax = SQLiteCatalog.checkedAtOpeningMax

    private var path: String { folder + "/" + SQLiteCatalog.fileName }

    func run() throws(DepotError) -> SQLiteCatalog {
        let lock = try FolderLock(
            folder: folder, temporaryFiles: isTemporary ? SQLiteCatalog.fileNames : nil)
        do {
            if rebuilding != nil, FolderLock.exists(path) || CatalogMarker.exists(in: folder) {
                throw DepotError(
                    .conflict, "there is a catalog already; it was not touched", object: path)
            }
            let marker = try CatalogMarker(in: folder)
            try marker?.requireFile(path)
            try refuseForeign(marker)
            let pool = try DatabasePool(path: path, configuration: configuration(readonly: false))
            // The pool has set NORMAL itself, with which a power cut undoes commits that were answered.
            try pool.writeWithoutTransaction {
                try $0.execute(sql: "PRAGMA synchronous = \(Self.synchronous)")
            }
            let check = CatalogCheck(path: path)
            // What is going to be changed is looked at before, whatever its size.
            let isLarge = try check.size() > checkedMax && pool.read(isMigrated)
            if !isLarge { try pool.read(check.refuseDamaged) }
            try CatalogSchema.migrator.migrate(pool)
            try pool.read(refuseIncomplete)
            let base = try pool.write { try begin($0) }
            try lock.sync(folder)
            if marker == nil, !isTemporary { try mark(pool, lock) }
            return SQLiteCatalog(
                queue: TransactionQueue(
                    pool: pool, lock: lock, time: RunningTime(base: base, clock: clock)),
                unchecked: isLarge ? check : nil)
        } catch {
            throw DatabaseFailure.mapped(error, path: path)
        }
    }

    private func configuration(readonly: Bool) -> Configuration {
        var configuration = Configuration()
        configuration.readonly = readonly
        configuration.busyMode = .timeout(Self.busySeconds)
        configuration.maximumReaderCount = Self.readersMax
        configuration.label = "depot.catalog"
        configuration.prepareDatabase { database in
            let cacheKiB =
                database.configuration.readonly ? Self.readerCacheKiB : Self.writerCacheKiB
            try database.execute(
                sql: """
                    PRAGMA cache_size = -\(cacheKiB);
                    PRAGMA journal_size_limit = \(Self.logMax);
                    """)
        }
        return configuration
    }

    /// Looks before anything is written: a file that is not ours, or not yet, stays as it is.
    private func refuseForeign(_ marker: CatalogMarker?) throws {
        guard FolderLock.exists(path) else { return }
        // A journal is there where the power was cut while the file was made; only who may write can roll it back.
        let isCutOff = FolderLock.exists(path + "-journal")
        let reader = try DatabaseQueue(
            path: path, configuration: configuration(readonly: !isCutOff))
        defer { try? reader.close() }
        try reader.read { database in
            // Before anybody writes the log back: SQLite then fills up what the file is too short for.
            try CatalogCheck(path: path).refuseCut(database)
            // GRDB's own tables come first: a file that has no others is one whose making was cut off.
            let tables = try Int.fetchOne(
                database, sql: "SELECT count(*) FROM sqlite_master WHERE tbl_name NOT LIKE 'grdb%'")
            let application = try Int32.fetchOne(database, sql: "PRAGMA application_id")
            guard tables == 0 || application == CatalogSchema.applicationID else {
                throw DepotError(
                    .formatUnsupported, "this file is no catalog of depot's; it was not touched",
                    object: path)
            }
            guard try !CatalogSchema.migrator.hasBeenSuperseded(database) else {
                throw DepotError(
                    .formatUnsupported,
                    "a newer depot has made this catalog; it was not touched. Run that depot",
                    object: path)
            }
            try marker?.requireCluster(database, path)
        }
    }

    private func isMigrated(_ database: Database) throws -> Bool {
        try CatalogSchema.migrator.hasCompletedMigrations(database)
    }

    /// A table that is gone would be found when it is used, and one bit in the text that makes it would then look like a
    /// mistake of depot's; an index that is gone would never be found.
    private func refuseIncomplete(_ database: Database) throws {
        let found = try CatalogSchema.parts(of: database)
        let wrong = try CatalogSchema.parts.get().filter { found[$0.key] != $0.value }
        guard let name = wrong.keys.min() else { return }
        let what = found[name] == nil ? "is missing" : "is not what depot makes"
        throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "\(name) \(what)")
    }

    /// The file alone has to say what the marker says: a log can be lost.
    private func mark(_ pool: DatabasePool, _ lock: FolderLock) throws {
        _ = try pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
        guard let cluster = try pool.read(CatalogMarker.cluster) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT)
        }
        try CatalogMarker(cluster: cluster).write(in: folder, lock: lock)
    }

    /// Makes the cluster where there is none, and renews all leases: nobody could, while it was closed.
    ///
    /// - Returns: the running time.
    private func begin(_ database: Database) throws -> Int64 {
        if let rebuilding {
            // Fails where there is a cluster already.
            try SQLStatement(
                database,
                """
                INSERT INTO cluster (one, cluster, epoch, counter, tick, clock, horizon, rebuilding)
                VALUES (1, ?, ?, 0, 0, 0, 0, 1)
                """
            ).run(rebuilding.cluster, rebuilding.epoch)
        }
        try SQLStatement(
            database,
            """
            INSERT INTO cluster (one, cluster, epoch, counter, tick, clock, horizon)
            VALUES (1, ?, 1, 0, 0, 0, 0) ON CONFLICT DO NOTHING
            """
        ).run(ClusterID.random())
        let now = try SQLStatement(database, "SELECT clock FROM cluster").first {
            try $0.get(0, as: Int64.self)
        }
        // Later sums of times and counts must not overflow; only damage brings them near it.
        let isSane = try SQLStatement(
            database,
            "SELECT clock BETWEEN 0 AND ?1 AND tick BETWEEN 0 AND ?1 AND counter BETWEEN 0 AND ?1 "
                + "FROM cluster"
        ).first(Int64(1) << 61) { try $0.get(0, as: Bool.self) }
        guard let now, isSane == true else { throw DatabaseError(resultCode: .SQLITE_CORRUPT) }
        try SQLStatement(
            database, "UPDATE deposit SET deadline = ? + lease WHERE deadline IS NOT NULL"
        ).run(now)
        return now
    }
}
