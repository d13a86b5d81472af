import DepotCore
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

// A catalog that is made from replicas is filled in a folder inside the data folder, and takes the
// place of the old one when it is whole. SQLite would read a log that lies beside a file it does
// not belong to, so everything of the old catalog is moved aside before the new one is given its
// name. A crash before that leaves an identity file and no catalog, which no FileServer opens; a
// crash after it leaves the new catalog in place.

/// Makes a catalog beside the one of a data folder, and puts it in its place.
///
/// The data folder is locked while this lives: no FileServer may use it.
public final class CatalogReplacement: Sendable {
    private static let workName = "catalog-rebuild"
    /// Old catalogs of one epoch that are kept side by side.
    private static let keptMax = 1_000

    private let folder: String
    private let lock: FolderLock
    private let made = Mutex<(catalog: SQLiteCatalog, epoch: UInt32)?>(nil)

    private var workFolder: String { "\(folder)/\(Self.workName)" }

    /// Throws away what a replacement that was cut off has left.
    ///
    /// - Throws: `conflict` where a FileServer uses the folder; `storeFailed`.
    public init(folder: String) throws(DepotError) {
        self.folder = folder
        lock = try FolderLock(folder: folder)
        try removeWork()
    }

    /// Makes an empty catalog that takes what is found on replicas.
    ///
    /// - Precondition: it is the first.
    public func make(_ cluster: ClusterIdentity) async throws(DepotError) -> any Catalog {
        let catalog = try await SQLiteCatalog.makeForRebuild(
            in: workFolder, cluster: cluster, versions: .usual)
        made.withLock { made in
            precondition(made == nil, "one catalog takes the place of the old one")
            made = (catalog, cluster.epoch)
        }
        return catalog
    }

    /// Puts the new catalog into the place of the old one, durably.
    ///
    /// - Precondition: it was made.
    /// - Returns: the folder in which the old one is now; `nil` where there was none.
    /// - Throws: `storeFailed`; then it may be made again.
    public func replace() throws(DepotError) -> String? {
        guard let (catalog, epoch) = made.withLock({ $0 }) else {
            preconditionFailure("a catalog is made before it takes the place of the old one")
        }
        try catalog.queue.emptyLog()
        try catalog.close()
        let old = try moveAside(epoch)
        // Never without an identity file, where there was one: the old one's place is taken, its
        // file says the same.
        try move(CatalogIdentityFile.fileName, from: workFolder, to: folder)
        try move(SQLiteCatalog.fileName, from: workFolder, to: folder)
        try lock.sync(folder)
        try removeWork()
        return old
    }

    private func moveAside(_ epoch: UInt32) throws(DepotError) -> String? {
        let old = SQLiteCatalog.databaseNames.filter { FolderLock.exists("\(folder)/\($0)") }
        guard !old.isEmpty else { return nil }
        let aside = try makeFolderAside(epoch)
        for name in old { try move(name, from: folder, to: aside) }
        try FolderLock(folder: aside).sync(aside)
        try lock.sync(folder)
        return aside
    }

    /// Never an existing folder: what it keeps may be all that is left.
    private func makeFolderAside(_ epoch: UInt32) throws(DepotError) -> String {
        for number in 1...Self.keptMax {
            let suffix = number == 1 ? "" : "-\(number)"
            let path = "\(folder)/catalog-before-epoch-\(epoch)\(suffix)"
            if mkdir(path, 0o700) == 0 { return path }
            guard errno == EEXIST else { throw Self.failure("cannot be made", path) }
        }
        throw DepotError(
            .storeFailed, "too many old catalogs are kept here; delete some", object: folder)
    }

    private func move(
        _ name: String, from: String, to: String
    ) throws(DepotError) {
        guard rename("\(from)/\(name)", "\(to)/\(name)") == 0 else {
            throw Self.failure("cannot be moved to \(to)", "\(from)/\(name)")
        }
    }

    private func removeWork() throws(DepotError) {
        guard FolderLock.exists(workFolder) else { return }
        for name in SQLiteCatalog.fileNames {
            guard unlink("\(workFolder)/\(name)") == 0 || errno == ENOENT else {
                throw Self.failure("cannot be deleted", "\(workFolder)/\(name)")
            }
        }
        guard rmdir(workFolder) == 0 else { throw Self.failure("cannot be deleted", workFolder) }
    }

    private static func failure(_ what: String, _ path: String) -> DepotError {
        let failure = DepotError.file(what, path)
        guard failure.code == .notFound else { return failure }
        // A missing file of a catalog means that the catalog is not usable.
        return DepotError(.storeFailed, failure.message, object: path)
    }
}
