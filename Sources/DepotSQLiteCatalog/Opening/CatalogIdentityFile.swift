import DepotCore
import DepotSQLite
import FoundationEssentials
import GRDB

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

// SQLite takes a file that is gone or empty for one that is to be made. A FileServer that loses its
// catalog would then come up as a new cluster beside full replicas, which refuse it as foreign and
// say nothing of the loss. A small file beside the catalog says that there was one, and of which
// cluster. It is written when the catalog is durable without its log, so that no crash leaves it
// alone, and never changed.

/// What `catalog.json` says: that there is a catalog beside it, and of which cluster.
struct CatalogIdentityFile: Codable, Equatable {
    static let fileName = "catalog.json"
    /// The name of the file while it is being written.
    static let temporaryName = fileName + ".new"
    private static let formatKnown = 1
    /// In bytes; the file has some eighty.
    private static let sizeMax = 4_096
    /// The smallest page that SQLite knows. A shorter file is a new one for it, and it deletes the
    /// log beside the file.
    private static let catalogSizeMin = 512

    let format: Int
    let cluster: ClusterID

    init(cluster: ClusterID) {
        format = Self.formatKnown
        self.cluster = cluster
    }

    static func exists(in folder: String) -> Bool { FolderLock.exists("\(folder)/\(fileName)") }

    /// - Returns: `nil` where there is none.
    /// - Throws: `formatUnsupported` for a newer one, `storeFailed` where it is damaged or cannot
    ///   be read.
    init?(in folder: String) throws(DepotError) {
        let path = "\(folder)/\(Self.fileName)"
        guard let bytes = try Self.read(path) else { return nil }
        struct Version: Codable { let format: Int }
        do {
            let version = try JSONDecoder().decode(Version.self, from: bytes)
            guard version.format <= Self.formatKnown else {
                throw DepotError(
                    .formatUnsupported,
                    "a newer depot has made this catalog; it was not touched. Run that depot",
                    object: path)
            }
            self = try JSONDecoder().decode(CatalogIdentityFile.self, from: bytes)
        } catch let error as DepotError {
            throw error
        } catch {
            throw DepotError(
                .storeFailed,
                "this file is damaged; nothing was changed. Delete it where the catalog beside it "
                    + "is the right one, or run 'depot rebuild-catalog', which makes both again "
                    + "from the replicas",
                object: path, cause: error)
        }
    }

    private var text: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        do {
            return try Array(encoder.encode(self)) + [UInt8(ascii: "\n")]
        } catch {
            preconditionFailure("a number and a UUID have no JSON text: \(error)")
        }
    }

    /// Writes it so that a crash leaves all of it or nothing.
    func write(in folder: String, lock: FolderLock) throws(DepotError) {
        let (path, temporary) = ("\(folder)/\(Self.fileName)", "\(folder)/\(Self.temporaryName)")
        let bytes = text
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Self.failure("cannot be made", temporary) }
        defer { close(file) }
        guard pwrite(file, bytes, bytes.count, 0) == bytes.count, fsync(file) == 0 else {
            throw Self.failure("cannot be made durable", temporary)
        }
        guard rename(temporary, path) == 0 else { throw Self.failure("cannot be renamed", path) }
        try lock.sync(folder)
    }

    // MARK: What it protects

    /// Looks at the size of the catalog's file before SQLite does.
    ///
    /// - Throws: `storeFailed` where there is no file, or nothing in it.
    func requireFile(_ catalog: String) throws(DepotError) {
        var status = stat()
        guard stat(catalog, &status) == 0 || errno == ENOENT else {
            throw Self.failure("cannot be looked at", catalog)
        }
        guard status.st_size >= Self.catalogSizeMin else { throw missing(catalog) }
    }

    /// - Throws: `storeFailed` where the catalog has no cluster, or another one.
    func requireCluster(_ database: Database, _ catalog: String) throws {
        guard let found = try Self.cluster(database) else { throw missing(catalog) }
        guard found == cluster else {
            throw DepotError(
                .storeFailed,
                "this catalog is of cluster \(found), and \(Self.fileName) beside it says "
                    + "\(cluster); nothing was changed. Put back the right one, or run "
                    + "'depot rebuild-catalog', which makes it again from the replicas",
                object: catalog)
        }
    }

    private func missing(_ catalog: String) -> DepotError {
        DepotError(
            .storeFailed,
            "the catalog of cluster \(cluster) is missing or empty; nothing was changed. Put it "
                + "back, or run 'depot rebuild-catalog', which makes it again from the replicas",
            object: catalog)
    }

    /// - Returns: `nil` where the catalog was not made to its end.
    static func cluster(_ database: Database) throws -> ClusterID? {
        guard try database.tableExists("cluster") else { return nil }
        return try SQLStatement(database, "SELECT cluster FROM cluster").first { try $0.get(0) }
    }

    // MARK: File

    private static func read(_ path: String) throws(DepotError) -> Data? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            throw failure("cannot be read", path)
        }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: sizeMax)
        let count = pread(file, &bytes, bytes.count, 0)
        guard count >= 0 else { throw failure("cannot be read", path) }
        return Data(bytes.prefix(count))
    }

    private static func failure(_ what: String, _ path: String) -> DepotError {
        DepotError(
            errno == ENOSPC ? .storageFull : .storeFailed,
            "\(what): \(String(cString: strerror(errno)))", object: path)
    }
}
