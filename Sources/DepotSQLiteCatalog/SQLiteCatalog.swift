import CoreMetrics
import DepotCore
import FoundationEssentials
import GRDB
import Logging

/// The embedded catalog: one SQLite file in the FileServer's data folder.
///
/// What it has answered is on stable storage: its log is synced at every commit. Views do not wait
/// for changes.
public final class SQLiteCatalog: Catalog {
    /// The name of its file in the data folder.
    public static let fileName = "catalog.sqlite"
    /// The file and what SQLite keeps beside it.
    static let databaseNames = ["", "-wal", "-shm"].map { fileName + $0 }
    /// Everything that a catalog keeps in its folder.
    static let fileNames =
        databaseNames + [CatalogIdentityFile.fileName, CatalogIdentityFile.temporaryName]
    /// Entries of one page at most: what a caller asks for is held in memory.
    public static let pageMax = 100_000

    /// A larger catalog, its log included, is open before all of it was checked: `check` does the
    /// rest. The check of a smaller one takes a third of a second at most, from the page cache.
    public static let checkedAtOpeningMax = ByteCount(128 << 20)

    let queue: TransactionQueue
    /// What opening has left to be looked at.
    let unchecked: CatalogCheck?
    /// What deposits may claim.
    let claims: ClaimLimits

    init(queue: TransactionQueue, unchecked: CatalogCheck?, claims: ClaimLimits) {
        self.queue = queue
        self.unchecked = unchecked
        self.claims = claims
    }

    /// Opens the catalog in a folder, or makes both.
    ///
    /// A catalog that an older depot has made is written anew once, with checksums in its pages.
    /// That takes as long as writing three times its size, and meanwhile room for twice its size in
    /// the folder and once in the folder for temporary files.
    ///
    /// - Parameters:
    ///   - checkedMax: a larger catalog is only partly checked for damage; `check` does the rest.
    ///   - claims: what deposits may claim of it.
    ///   - versions: what is kept of what names were.
    ///   - metrics: where transactions are counted and timed; nowhere unless given.
    /// - Throws: `conflict` where another FileServer has the folder open; `formatUnsupported` where
    ///   a newer depot has made the catalog, or the file is no catalog; `storeFailed` where it is
    ///   damaged or the disk fails, and where the folder's catalog is gone or another one.
    public static func open(
        at folder: String, clock: CatalogClock = .system,
        checkedMax: ByteCount = checkedAtOpeningMax, claims: ClaimLimits = ClaimLimits(),
        versions: VersionPolicy = .nothing,
        metrics: any MetricsFactory = NOOPMetricsHandler.instance,
        logger: Logger = Logger(label: "depot.catalog")
    ) async throws(DepotError) -> SQLiteCatalog {
        var opening = CatalogOpening(
            folder: folder, clock: clock, checkedMax: checkedMax, logger: logger)
        opening.claims = claims
        opening.versions = versions
        opening.metrics = metrics
        return try await run(opening)
    }

    /// Makes an empty catalog of a known cluster, which takes what is found on replicas and no
    /// deposits until `finishRebuild`.
    ///
    /// - Parameter versions: whether words that are restored one after the other are kept.
    /// - Throws: `conflict` where there is a catalog in the folder.
    public static func makeForRebuild(
        in folder: String, cluster: ClusterIdentity, clock: CatalogClock = .system,
        versions: VersionPolicy = .nothing
    ) async throws(DepotError) -> SQLiteCatalog {
        var opening = CatalogOpening(folder: folder, clock: clock, rebuilding: cluster)
        opening.versions = versions
        return try await run(opening)
    }

    /// A catalog of its own in a new folder, which is deleted with it. For tests.
    public static func temporary(
        clock: CatalogClock = .system, versions: VersionPolicy = .nothing
    ) async throws(DepotError) -> SQLiteCatalog {
        let folder = FileManager.default.temporaryDirectory.path + "/depot-catalog-\(UUID())"
        var opening = CatalogOpening(folder: folder, clock: clock, isTemporary: true)
        opening.versions = versions
        return try await run(opening)
    }

    /// Opening reads and writes the disk, which the threads of async functions must not wait for.
    private static func run(_ opening: CatalogOpening) async throws(DepotError) -> SQLiteCatalog {
        let opened: Result<SQLiteCatalog, DepotError> = await withCheckedContinuation { done in
            CatalogOpening.queue.async {
                done.resume(
                    returning: Result { () throws(DepotError) in try opening.run() })
            }
        }
        return try opened.get()
    }

    /// Waits for what is under way and closes the file; everything asked for later fails. The
    /// folder is free again when the last reference is gone.
    public func close() throws(DepotError) {
        try queue.close()
    }

    /// - Throws: `invalidArgument` for a page that is empty or larger than `pageMax`.
    static func checkPage(_ limit: Int) throws(DepotError) {
        guard (1...pageMax).contains(limit) else {
            throw DepotError(
                .invalidArgument, "a page has 1 to \(pageMax) entries, \(limit) were asked for")
        }
    }
}
