import DepotCore
import DepotSQLite
import DepotTestSupport
import FoundationEssentials
import GRDB
import Testing

@testable import DepotSQLiteCatalog

/// A catalog that an older depot has made has no checksums. It gets them when it is opened; what a crash or a full disk does
/// to that is tried by `CrashImageTests` and `DiskFailureTests`.
@Suite struct CarryOverTests {
    /// The same catalog as an older depot would have it.
    private func makeOld(_ folder: String) async throws -> [String] {
        let catalog = try await CatalogScene().make(for: CatalogScene.steps[0], in: folder)
        let whole = try await catalog.everything()
        try catalog.close()
        let path = CatalogPages.file(folder).path
        let old = try DatabasePool(path: path + ".old")
        try CatalogSchema.migrator.migrate(old)
        try await old.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA foreign_keys = OFF")
            try database.execute(sql: "ATTACH ? AS now", arguments: [path])
            let tables = try String.fetchAll(
                database,
                sql:
                    "SELECT name FROM now.sqlite_master WHERE type = 'table' AND name NOT LIKE 'grdb%'"
            )
            for table in tables {
                try database.execute(
                    sql: "INSERT INTO main.\(table) SELECT * FROM now.\(table)")
            }
            try database.execute(sql: "DETACH now")
            try database.execute(
                sql: "DELETE FROM grdb_migrations WHERE identifier = ?",
                arguments: [CatalogSchema.checksums])
            _ = try database.checkpoint(.truncate)
        }
        try old.close()
        try CatalogPages.replace(in: folder, by: path + ".old")
        #expect(try CatalogPages(folder).bytes[20] == 0)
        return whole
    }

    private func known(_ lines: [String]) -> [String] {
        lines.filter { !$0.hasPrefix("grdb_migrations") && !$0.hasPrefix("cluster") }
    }

    @Test func `one without checksums gets them once, and stays the same`() async throws {
        try await withFolder { folder in
            let whole = try await makeOld(folder)
            for _ in 1...2 {
                let catalog = try await SQLiteCatalog.still(at: folder)
                let state = try await catalog.everything()
                #expect(known(state) == known(whole))
                try catalog.close()
                #expect(try CatalogPages(folder).bytes[20] == 8)
            }
        }
    }

    @Test func `one that is damaged does not get any, and is told`() async throws {
        try await withFolder { folder in
            _ = try await makeOld(folder)
            let root = try CatalogPages.rootPage(of: "reference_chunk", in: folder)
            var pages = try CatalogPages(folder)
            // An entry of the index that its table does not have: `quick_check` says nothing of it.
            pages.bytes[root * CatalogPages.size - 1] ^= 1
            try pages.write(to: folder)
            let error = await thrown { _ = try await SQLiteCatalog.open(at: folder) }
            #expect(error?.message.contains("'depot rebuild-catalog'") == true)
            #expect(try CatalogPages(folder).bytes == pages.bytes)
        }
    }

    /// Each of these bits has the header say that there are no checksums.
    @Test(arguments: 0..<8)
    func `one that has them is not taken for one without`(bit: Int) async throws {
        try await withFolder { folder in
            try await CatalogScene().make(for: CatalogScene.steps[0], in: folder).close()
            _ = try CatalogPages.rootPage(of: "file", in: folder)
            let pages = try CatalogPages(folder).flipping(bit, of: 20)
            try pages.write(to: folder)
            let error = await thrown { _ = try await SQLiteCatalog.open(at: folder) }
            #expect(error?.message.contains("'depot rebuild-catalog'") == true, "\(error as Any)")
        }
    }

    /// An older depot would write pages without checksums. It refuses what has a migration that it does not know.
    @Test func `an older depot does not open it`() async throws {
        try await withFolder { folder in
            try await SQLiteCatalog.open(at: folder).close()
            let database = try DatabaseQueue(path: CatalogPages.file(folder).path)
            let applied = try await database.read {
                try CatalogSchema.migrator.appliedIdentifiers($0)
            }
            try database.close()
            #expect(applied.contains(CatalogSchema.checksums))
        }
    }
}
