import CSQLiteChecksums
import DepotTestSupport
import FoundationEssentials
import GRDB

@testable import DepotSQLiteCatalog

/// The file of a catalog that is closed, as pages.
struct CatalogPages {
    static let size = 4_096

    var bytes: [UInt8]
    var count: Int { bytes.count / Self.size }

    init(_ folder: String) throws {
        bytes = try [UInt8](Data(contentsOf: Self.file(folder)))
    }

    /// Takes the place of the catalog's file, and of its log.
    func write(to folder: String) throws {
        Self.removeLog(in: folder)
        try Data(bytes).write(to: Self.file(folder))
    }

    private static func removeLog(in folder: String) {
        for suffix in ["-wal", "-shm"] {
            try? FileManager.default.removeItem(atPath: file(folder).path + suffix)
        }
    }

    /// Puts another file into the place of the catalog's, and of its log.
    static func replace(in folder: String, by other: String) throws {
        removeLog(in: folder)
        try FileManager.default.removeItem(at: file(folder))
        try FileManager.default.moveItem(atPath: other, toPath: file(folder).path)
    }

    /// From 1, as SQLite counts.
    func page(_ number: Int) -> ArraySlice<UInt8> {
        bytes[(number - 1) * Self.size..<number * Self.size]
    }

    func flipping(_ bit: Int, of byte: Int) -> CatalogPages {
        var flipped = self
        flipped.bytes[byte] ^= 1 << UInt8(bit)
        return flipped
    }

    /// What damage leaves that came about before the page was written: nothing below SQLite can tell.
    mutating func seal(_ number: Int) {
        let content = Array(page(number).dropLast(Int(DEPOT_CHECKSUM_BYTES)))
        let sum = depot_page_checksum(UInt32(number), content, Int32(content.count))
        let end = number * Self.size
        withUnsafeBytes(of: sum.bigEndian) { bytes.replaceSubrange(end - $0.count..<end, with: $0) }
    }

    /// Writes the log back, and gives the first page of a table or an index.
    static func rootPage(of part: String, in folder: String) throws -> Int {
        let database = try DatabaseQueue(path: file(folder).path)
        defer { try? database.close() }
        return try database.writeWithoutTransaction {
            try $0.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)")
            return try Int.fetchOne(
                $0, sql: "SELECT rootpage FROM sqlite_master WHERE name = ?", arguments: [part])
                ?? 0
        }
    }

    static func file(_ folder: String) -> URL {
        URL(fileURLWithPath: folder + "/" + SQLiteCatalog.fileName)
    }
}
