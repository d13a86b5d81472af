import DepotCore
import FoundationEssentials
import GRDB

/// The embedded catalog: one SQLite file in the FileServer's data folder.
///
/// What it has answered is on stable storage: its log is synced at every commit. Views do not wait for changes.
public final class SQLiteCatalog: Catalog {
    /// The name of its file in the data folder.
    public static let fileName = "catalog.sqlite"
    /// The file and what SQLite keeps beside it.
    static let databaseNames = ["", "-wal", "-shm"].map { fileName + $0 }
    /// Everything that a catalog keeps in its folder.
    static let fileNames = databaseNames + [CatalogMarker.fileName, CatalogMarker.temporaryName]
    /// Entries of one page at most: what a caller asks for is held in memory.
    public static let pageMax = 100_000

    /// A larger one, its log included, is open before all of it was looked at: `check` does that. Smaller ones take a
    /// third of a second at most, from the page cache.
    public static let checkedAtOpeningMax = ByteCount(128 << 20)

    let queue: TransactionQueue
    /// What opening has left to be looked at.
    let unchecked: CatalogCheck?

    init(queue: TransactionQueue, unchecked: CatalogCheck?) {
        self.queue = queue
        self.unchecked = unchecked
    }

    /// Opens the catalog in a folder, or makes both.
    ///
    /// - Parameter checkedMax: one that is larger is only partly looked at for damage; `check` does the rest.
    /// - Throws: `conflict` where another FileServer has the folder open; `formatUnsupported` where a newer
    ///   depot has made the catalog, or it is none; `storeFailed` where it is damaged or the disk fails, and where
    ///   there was a catalog that is gone or another one now.
    public static func open(
        at folder: String, clock: CatalogClock = .system,
        checkedMax: ByteCount = checkedAtOpeningMax
    ) async throws(DepotError) -> SQLiteCatalog {
        try await run(CatalogOpening(folder: folder, clock: clock, checkedMax: checkedMax))
    }

    /// Makes an empty catalog of a known cluster, which takes what is found on replicas and no deposits until
    /// `finishRebuild`.
    ///
    /// - Throws: `conflict` where there is a catalog in the folder.
    public static func makeForRebuild(
        in folder: String, cluster: ClusterIdentity, clock: CatalogClock = .system
    ) async throws(DepotError) -> SQLiteCatalog {
        try await run(CatalogOpening(folder: folder, clock: clock, rebuilding: cluster))
    }

    /// A catalog of its own in a new folder, which is deleted with it. For tests.
    public static func temporary(
        clock: CatalogClock = .system
    ) async throws(DepotError) -> SQLiteCatalog {
        let folder = FileManager.default.temporaryDirectory.path + "/depot-catalog-\(UUID())"
        return try await run(CatalogOpening(folder: folder, clock: clock, isTemporary: true))
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

    /// Waits for what is under way and closes the file; everything asked for later fails. The folder is free
    /// again when the last reference is gone.
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
