import CoreMetrics
import DepotCore
import DepotSQLite
import Dispatch
import GRDB
import Logging

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
    /// The pages of a larger catalog are not checked before it is open, see `CatalogCheck`.
    var checkedMax = SQLiteCatalog.checkedAtOpeningMax
    var logger = Logger(label: "depot.catalog")
    var claims = ClaimLimits()
    var versions = VersionPolicy.nothing
    var metrics: any MetricsFactory = NOOPMetricsHandler.instance

    var path: String { folder + "/" + SQLiteCatalog.fileName }

    func run() throws(DepotError) -> SQLiteCatalog {
        let lock = try FolderLock(
            folder: folder, temporaryFiles: isTemporary ? SQLiteCatalog.fileNames : nil)
        do {
            if rebuilding != nil, FolderLock.exists(path) || CatalogIdentityFile.exists(in: folder)
            {
                throw DepotError(
                    .conflict, "there is a catalog already; it was not touched", object: path)
            }
            let identity = try CatalogIdentityFile(in: folder)
            try identity?.requireFile(path)
            PageChecksums.install()
            try refuseForeign(identity)
            try carryOver()
            var checked = configuration(readonly: false)
            checked.requireChecksums()
            let pool = try DatabasePool(path: path, configuration: checked)
            // The pool has set NORMAL itself, with which a power cut undoes commits that were
            // answered.
            try pool.writeWithoutTransaction {
                try $0.execute(sql: "PRAGMA synchronous = \(Self.synchronous)")
            }
            let check = CatalogCheck(path: path)
            // A catalog that a migration is going to change is checked before, whatever its size.
            let isLarge = try check.size() > checkedMax && pool.read(isMigrated)
            if !isLarge { try pool.read(check.refuseDamaged) }
            try pool.read(sayWhatChanges)
            try CatalogSchema.migrator.migrate(pool)
            try pool.read(refuseIncomplete)
            let base = try pool.write { try begin($0) }
            try lock.sync(folder)
            if identity == nil, !isTemporary { try writeIdentity(pool, lock) }
            return SQLiteCatalog(
                queue: TransactionQueue(
                    pool: pool, lock: lock, time: RunningTime(base: base, clock: clock),
                    versions: versions, metrics: CatalogMetrics(from: metrics)),
                unchecked: isLarge ? check : nil, claims: claims)
        } catch {
            throw DatabaseFailure.mapped(error, path: path)
        }
    }

    func configuration(readonly: Bool) -> Configuration {
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
            try CopyCount.add(to: database)
        }
        return configuration
    }

    /// Gives checksums to a catalog that an older depot has made.
    private func carryOver() throws {
        guard try PageChecksums.areMissing(at: path) else { return }
        let reader = try DatabaseQueue(path: path, configuration: configuration(readonly: true))
        let known = try reader.read(CatalogSchema.migrator.appliedIdentifiers)
        try reader.close()
        guard !known.contains(CatalogSchema.checksums) else {
            throw DatabaseError(
                resultCode: .SQLITE_CORRUPT,
                message: "the header says that pages have no checksums")
        }
        let size = try CatalogCheck(path: path).size()
        logger.notice(
            "the catalog gets checksums in its pages; it is looked at and written anew, once",
            metadata: ["path": "\(path)", "size": "\(size)"])
        try PageChecksums.carryOver(path)
        logger.notice("the catalog has checksums in its pages", metadata: ["path": "\(path)"])
    }

    /// What is changed while the catalog is in use is said before it begins.
    private func sayWhatChanges(_ database: Database) throws {
        let applied = try CatalogSchema.migrator.appliedIdentifiers(database)
        guard !applied.isEmpty, !applied.contains(CatalogSchema.copiesInRows) else { return }
        logger.notice(
            """
            the catalog is carried over to this version of depot, step by step while it is in use; \
            there is no way back, no older depot opens it any more
            """,
            metadata: ["path": "\(path)"])
    }

    /// The catalog's file alone has to say what the identity file says: a log can be lost.
    private func writeIdentity(_ pool: DatabasePool, _ lock: FolderLock) throws {
        _ = try pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
        guard let cluster = try pool.read(CatalogIdentityFile.cluster) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT)
        }
        try CatalogIdentityFile(cluster: cluster).write(in: folder, lock: lock)
    }

    /// Makes the cluster where there is none, and renews all leases: nobody could, while it was
    /// closed.
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
        // A catalog that could not be used later is not opened: each number is read as it will be.
        let now = try SQLStatement(
            database, "SELECT clock, tick, horizon, epoch, counter FROM cluster"
        ).first { row in
            _ = try (row.get(1, as: UInt64.self), row.get(2, as: UInt64.self), row.sequence(3))
            return Int64(try row.get(0, as: UInt64.self))
        }
        guard let now else { throw DatabaseError(resultCode: .SQLITE_CORRUPT) }
        try SQLStatement(
            database, "UPDATE deposit SET deadline = ? + lease WHERE deadline IS NOT NULL"
        ).run(now)
        return now
    }
}
