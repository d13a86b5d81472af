import DepotCore
import DepotSQLite
import GRDB

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

// The operator has to hear early of a catalog that was cut off or written over, and not only when
// the lost part is used. SQLite can check every page. Measured: 0.4 s for a million chunks in three
// copies, 190 MB, from the page cache; 4 s for ten million, and many times that from a slow disk;
// the check that also compares indexes takes ten times as long. No start should wait for that. So
// the cheap checks are made before a catalog is open, whatever its size: the file is complete, and
// its header, its schema and all tables and indexes are there. The pages of a small catalog are
// checked before it is open, too; the pages of a large one right after, beside its users. Until
// then a damaged page is found when it is read: each page has a checksum, which every reading
// compares.

/// Looks for damage in a catalog's file.
struct CatalogCheck: Sendable {
    /// The check reads each page once: a cache would not help.
    private static let cacheKiB = 1 << 10
    /// The place of SQLite's locks: the page there is never written.
    private static let lockOffset: Int64 = 1 << 30

    let path: String
    private var log: String { path + "-wal" }

    /// Bytes of the file and its log.
    func size() throws(DepotError) -> ByteCount {
        ByteCount([try bytes(of: path), try bytes(of: log)].total { UInt64(clamping: $0) })
    }

    /// Goes over every page, and over the order of what is in them.
    @Sendable func refuseDamaged(_ database: Database) throws {
        let found = try String.fetchAll(database, sql: "PRAGMA quick_check(1)")
        guard found == ["ok"] else {
            throw DatabaseError(
                resultCode: .SQLITE_CORRUPT, message: found.first ?? "nothing was checked")
        }
    }

    /// Does the same with a connection of its own, on its own thread. The log is not written back
    /// beyond where it was when this began, and grows until it ends. Stops when the task is
    /// cancelled.
    func run() async throws {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.label = "depot.catalog.check"
        configuration.requireChecksums()
        configuration.prepareDatabase {
            try $0.execute(sql: "PRAGMA cache_size = -\(Self.cacheKiB)")
        }
        let reader = try DatabaseQueue(path: path, configuration: configuration)
        defer { try? reader.close() }
        try await reader.read(refuseDamaged)
    }

    // MARK: Cut off

    /// SQLite itself refuses a file that is shorter than its header says, but not where there is a
    /// log: then the log says how many pages there are, and a crash while it is written back leaves
    /// a file that lacks some. The missing pages must be in the log.
    func refuseCut(_ database: Database) throws {
        let pageSize = try Int64.fetchOne(database, sql: "PRAGMA page_size") ?? 0
        let pages = try Int64.fetchOne(database, sql: "PRAGMA page_count") ?? 0
        guard pageSize > 0 else { throw DatabaseError(resultCode: .SQLITE_CORRUPT) }
        let whole = try bytes(of: path) / pageSize
        guard whole < pages else { return }
        let logged = try pagesInLog(pageSize)
        let lockPage = Self.lockOffset / pageSize + 1
        for page in whole + 1...pages where page != lockPage && !logged.contains(page) {
            throw DatabaseError(
                resultCode: .SQLITE_CORRUPT,
                message: "the file ends behind page \(whole) of \(pages); \(page) is not in its log"
            )
        }
    }

    /// The log is a header of 32 bytes and then, for each page, a header of 24 bytes and the page.
    /// Pages of an earlier use of the file have another salt.
    private func pagesInLog(_ pageSize: Int64) throws(DepotError) -> Set<Int64> {
        let file = open(log, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT { return [] }
            throw failure("cannot be read", log)
        }
        defer { close(file) }
        var header = [UInt8](repeating: 0, count: 32)
        guard pread(file, &header, header.count, 0) == header.count else { return [] }
        var pages: Set<Int64> = []
        var frame = [UInt8](repeating: 0, count: 24)
        var offset = header.count
        while pread(file, &frame, frame.count, offset) == frame.count,
            frame[8..<16] == header[16..<24]
        {
            pages.insert(frame[0..<4].reduce(0) { $0 << 8 | Int64($1) })
            offset += frame.count + Int(pageSize)
        }
        return pages
    }

    private func bytes(of path: String) throws(DepotError) -> Int64 {
        var status = stat()
        guard stat(path, &status) == 0 else {
            if errno == ENOENT { return 0 }
            throw failure("cannot be looked at", path)
        }
        return Int64(status.st_size)
    }

    private func failure(_ what: String, _ path: String) -> DepotError {
        DepotError(
            .storeFailed, "\(what): \(String(cString: strerror(errno)))", object: path)
    }
}
