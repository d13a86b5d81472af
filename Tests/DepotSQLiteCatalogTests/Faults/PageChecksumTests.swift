import CSQLiteChecksums
import DepotCore
import DepotSQLite
import DepotTestSupport
import FoundationEssentials
import GRDB
import GRDBSQLite
import Testing

@testable import DepotSQLiteCatalog

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A bit that flipped in catalog.sqlite gave another file's bytes, and another one had a collection delete all copies of a live
/// chunk. Every page has a checksum by now, and here each of their bits is flipped.
@Suite struct PageChecksumTests {
    private func withPages(_ body: (CatalogPages, _ folder: String) async throws -> Void)
        async throws
    {
        try await withFolder { folder in
            try await CatalogScene().make(for: CatalogScene.steps[0], in: folder).close()
            _ = try CatalogPages.rootPage(of: "file", in: folder)
            try await body(try CatalogPages(folder), folder)
        }
    }

    /// Whether the layer below SQLite gives the page.
    private func isTaken(_ page: [UInt8], as number: Int) -> Bool {
        let covered = page.count - Int(DEPOT_CHECKSUM_BYTES)
        return page.withUnsafeBytes { bytes in
            let found = bytes.loadUnaligned(fromByteOffset: covered, as: UInt64.self)
            return depot_page_checksum(UInt32(number), bytes.baseAddress, Int32(covered))
                == UInt64(bigEndian: found)
        }
    }

    @Test func `each bit of each page is told, and a page in the place of another`() async throws {
        try await withPages { pages, _ in
            #expect(pages.count > 30)
            for number in 1...pages.count {
                var page = Array(pages.page(number))
                #expect(isTaken(page, as: number), "page \(number)")
                for byte in page.indices {
                    for bit in 0..<8 as Range<UInt8> {
                        page[byte] ^= 1 << bit
                        if isTaken(page, as: number) {
                            Issue.record("bit \(bit) of byte \(byte) of page \(number)")
                        }
                        page[byte] ^= 1 << bit
                    }
                }
                for other in 1...pages.count where other != number {
                    #expect(!isTaken(page, as: other), "page \(number) in place of \(other)")
                }
            }
        }
    }

    @Test(arguments: [5, UInt64.random(in: 6...UInt64.max)])
    func `bits within 32 that follow one another are told`(_ seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        try await withPages { pages, _ in
            for _ in 0..<200_000 {
                let number = Int.random(in: 1...pages.count, using: &random)
                var page = Array(pages.page(number))
                let burst = UInt32.random(in: 1...UInt32.max, using: &random)
                let start = Int.random(in: 0...page.count * 8 - 32, using: &random)
                for bit in 0..<32 where burst >> UInt32(bit) & 1 == 1 {
                    page[(start + bit) / 8] ^= 1 << UInt8((start + bit) % 8)
                }
                if isTaken(page, as: number) {
                    Issue.record("seed \(seed): \(burst) at bit \(start) of page \(number)")
                }
            }
        }
    }

    @Test func `the processor's instruction and the tables give the same`() {
        var random = SeededGenerator(seed: 9)
        let page = (0..<4_096).map { _ in UInt8.random(in: 0...255, using: &random) }
        for count in stride(from: 8, through: 4_096, by: 8) {
            let (number, length) = (UInt32.random(in: 0...UInt32.max, using: &random), Int32(count))
            #expect(
                depot_page_checksum(number, page, length)
                    == depot_page_checksum_by_table(number, page, length))
        }
        // CRC-32C of "123456789" is e3069283 (RFC 3720); here eight bytes, seen from its start.
        let zero = depot_page_checksum(0, [UInt8](repeating: 0, count: 8), 8)
        #expect(UInt32(zero >> 32) == ~0x8c28_b28a)
    }

    /// Through SQLite: one bit of each page, on the disk, in use.
    @Test(arguments: [6, UInt64.random(in: 7...UInt64.max)])
    func `SQLite gets no page that changed on the disk`(_ seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        try await withPages { pages, folder in
            for number in 1...pages.count {
                let byte =
                    (number - 1) * CatalogPages.size + Int.random(in: 0..<4_096, using: &random)
                try pages.flipping(Int.random(in: 0..<8, using: &random), of: byte).write(
                    to: folder)
                var configuration = Configuration()
                configuration.requireChecksums()
                #expect(throws: DatabaseError.self, "seed \(seed), page \(number)") {
                    let queue = try DatabaseQueue(
                        path: CatalogPages.file(folder).path, configuration: configuration)
                    defer { try? queue.close() }
                    let found = try queue.read {
                        try String.fetchAll($0, sql: "PRAGMA quick_check(1)")
                    }
                    guard found == ["ok"] else { throw DatabaseError(resultCode: .SQLITE_CORRUPT) }
                }
            }
        }
    }

    /// Pages that are in the log alone have the log's own checksums, which SQLite compares after a crash and never again.
    @Test(arguments: [7, UInt64.random(in: 8...UInt64.max)])
    func `a bit that flipped in the log is told, or nobody reads its page`(
        _ seed: UInt64
    ) async throws {
        var random = SeededGenerator(seed: seed)
        try await withFolder { folder in
            let catalog = try await CatalogScene().make(for: CatalogScene.steps[0], in: folder)
            defer { do { try catalog.close() } catch { Issue.record("\(error)") } }
            let log = CatalogPages.file(folder).path + "-wal"
            let whole = try [UInt8](Data(contentsOf: URL(fileURLWithPath: log)))
            let frame = CatalogPages.size + 24
            var told = 0
            for start in stride(from: 32, to: whole.count - frame + 1, by: frame) {
                let place = start + Int.random(in: 24..<frame, using: &random)
                try overwrite(
                    log, place, whole[place] ^ 1 << UInt8.random(in: 0..<8, using: &random))
                told += try isTold(folder, "seed \(seed), byte \(place)") ? 1 : 0
                try overwrite(log, place, whole[place])
            }
            #expect(told > 20)
            #expect(try !isTold(folder, "the log is as it was"))
        }
    }

    private func overwrite(_ path: String, _ place: Int, _ byte: UInt8) throws {
        let file = open(path, O_WRONLY)
        defer { close(file) }
        try #require(pwrite(file, [byte], 1, off_t(place)) == 1)
    }

    /// Reads everything with a connection of its own.
    private func isTold(_ folder: String, _ when: Comment) throws -> Bool {
        var configuration = Configuration()
        configuration.requireChecksums()
        do {
            let queue = try DatabaseQueue(
                path: CatalogPages.file(folder).path, configuration: configuration)
            defer { try? queue.close() }
            return try queue.read { database in
                let found = try String.fetchAll(database, sql: "PRAGMA integrity_check(1)")
                if found == ["ok"] { return false }
                #expect(found.first?.contains("error code=11") == true, when)
                return true
            }
        } catch let error as DatabaseError {
            #expect(error.resultCode == .SQLITE_CORRUPT, when)
            return true
        }
    }

    /// A transaction that is larger than the cache writes pages into the log again and again, in place, without their sums.
    @Test func `a transaction that does not fit into the cache reads what it has written`() throws {
        let path = FileManager.default.temporaryDirectory.path + "/depot-checksums-\(UUID())"
        var configuration = Configuration()
        configuration.requireChecksums()
        let pool = try DatabasePool(path: path, configuration: configuration)
        defer {
            do { try pool.close() } catch { Issue.record("\(error)") }
            for suffix in ["", "-wal", "-shm"] {
                try? FileManager.default.removeItem(atPath: path + suffix)
            }
        }
        try pool.writeWithoutTransaction { database in
            try database.execute(
                sql: """
                    PRAGMA cache_size = 10;
                    CREATE TABLE t (a INTEGER PRIMARY KEY, b BLOB);
                    CREATE INDEX i ON t (b);
                    WITH n AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM n WHERE x < 3000)
                        INSERT INTO t (b) SELECT randomblob(200) FROM n;
                    """)
            for step in ["COMMIT", "ROLLBACK", "COMMIT"] {
                try database.execute(
                    sql: """
                        BEGIN;
                        UPDATE t SET b = randomblob(200) WHERE a % 2 = 0;
                        SAVEPOINT s;
                        UPDATE t SET b = randomblob(210) WHERE a % 3 = 0;
                        ROLLBACK TO s;
                        UPDATE t SET b = randomblob(190) WHERE a % 5 = 0;
                        \(step);
                        """)
            }
        }
        let found = try pool.read { try String.fetchAll($0, sql: "PRAGMA integrity_check") }
        #expect(found == ["ok"])
        try pool.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
    }
}
