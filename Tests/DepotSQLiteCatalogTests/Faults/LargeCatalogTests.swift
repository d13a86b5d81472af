import DepotCore
import DepotTestSupport
import FoundationEssentials
import GRDB
import Testing

@testable import DepotSQLiteCatalog

/// A catalog that is too large for all of it to be looked at before it opens: here, any.
@Suite struct LargeCatalogTests {
    private static let none = ByteCount(0)

    /// - Returns: everything that is in it.
    @discardableResult
    private func make(_ folder: String) async throws -> [String] {
        let catalog = try await CatalogScene().make(for: CatalogScene.steps[0], in: folder)
        let whole = try await catalog.everything()
        try catalog.queue.emptyLog()
        try catalog.close()
        return whole
    }

    private func path(_ folder: String) -> String { folder + "/" + SQLiteCatalog.fileName }

    private func expectTold(_ error: DepotError?, _ when: Comment? = nil) {
        #expect(error?.code == .storeFailed, when)
        #expect(error?.message.contains("'depot rebuild-catalog'") == true, when)
    }

    @Test(arguments: [none, SQLiteCatalog.checkedAtOpeningMax])
    func `one that is whole opens, and is found whole`(checkedMax: ByteCount) async throws {
        try await withFolder { folder in
            let whole = try await make(folder)
            let catalog = try await SQLiteCatalog.open(
                at: folder, clock: ManualClock().clock, checkedMax: checkedMax)
            #expect((catalog.unchecked == nil) == (checkedMax > Self.none))
            try await catalog.check()
            #expect(try await catalog.everything() == whole)
            try catalog.close()
        }
    }

    @Test(arguments: ["reference_chunk", "verdict_replica", "setback_time", "tombstone"])
    func `a damaged page is found while it is in use, and a small one is not opened`(
        part: String
    ) async throws {
        try await withFolder { folder in
            try await make(folder)
            try zero(part, folder)
            let catalog = try await SQLiteCatalog.open(at: folder, checkedMax: Self.none)
            expectTold(await thrown { try await catalog.check() })
            let members = try await catalog.members()
            #expect(members.count == 3)
            try catalog.close()
            expectTold(await thrown { _ = try await SQLiteCatalog.open(at: folder) })
        }
    }

    @Test func `what an older depot has made is looked at before it is changed`() async throws {
        try await withFolder { folder in
            try await make(folder)
            try edit(folder) {
                try $0.execute(
                    sql: "DELETE FROM grdb_migrations WHERE rowid = "
                        + "(SELECT max(rowid) FROM grdb_migrations)")
            }
            try zero("setback_time", folder)
            expectTold(
                await thrown {
                    _ = try await SQLiteCatalog.open(at: folder, checkedMax: Self.none)
                })
        }
    }

    @Test(arguments: [1, 2, 10], [false, true])
    func `one that was cut is not opened`(pages: Int, hasLog: Bool) async throws {
        try await withFolder { folder in
            try await make(folder + "/live")
            // With it open, there is a log of what opening has written.
            let catalog = try await SQLiteCatalog.open(at: folder + "/live")
            try copy(folder + "/live", to: folder + "/image", withLog: hasLog)
            try catalog.close()
            try change(folder + "/image") { $0.removeLast(pages * 4_096) }
            for _ in 1...2 {
                expectTold(
                    await thrown {
                        _ = try await SQLiteCatalog.open(
                            at: folder + "/image", checkedMax: Self.none)
                    })
            }
        }
    }

    @Test func `pages that are in the log alone are not missed`() async throws {
        try await withFolder { folder in
            let catalog = try await CatalogScene().make(
                for: CatalogScene.steps[0], in: folder + "/live")
            try await CatalogFixture(catalog: catalog) { _ in }.deposit(
                "large", CatalogFixture.chunks(100..<600), on: CatalogFixture.replicas(1...3))
            let whole = try await catalog.everything()
            try copy(folder + "/live", to: folder + "/image", withLog: true)
            let pages = try await catalog.queue.view {
                try UInt64.fetchOne($0.database, sql: "PRAGMA page_count") ?? 0
            }
            try catalog.close()
            let bytes = try Data(contentsOf: URL(fileURLWithPath: path(folder + "/image")))
            #expect(UInt64(bytes.count) < pages * 4_096, "the file is shorter than the catalog")
            let opened = try await SQLiteCatalog.open(
                at: folder + "/image", clock: ManualClock().clock, checkedMax: Self.none)
            try await opened.check()
            #expect(try await opened.everything() == whole)
            try opened.close()
        }
    }

    private func copy(_ from: String, to folder: String, withLog: Bool) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var names = [SQLiteCatalog.fileName, CatalogIdentityFile.fileName]
        if withLog { names.append(SQLiteCatalog.fileName + "-wal") }
        for name in names {
            try FileManager.default.copyItem(
                atPath: from + "/" + name, toPath: folder + "/" + name)
        }
    }

    /// Writes zeros over the first page of a table or an index.
    private func zero(_ part: String, _ folder: String) throws {
        let page = try edit(folder) {
            try Int.fetchOne(
                $0, sql: "SELECT rootpage FROM sqlite_master WHERE name = ?", arguments: [part])
        }
        let start = (try #require(page) - 1) * 4_096
        try change(folder) {
            $0.replaceSubrange(start..<start + 4_096, with: repeatElement(0, count: 4_096))
        }
    }

    private func change(_ folder: String, _ body: (inout [UInt8]) -> Void) throws {
        let url = URL(fileURLWithPath: path(folder))
        var bytes = try [UInt8](Data(contentsOf: url))
        body(&bytes)
        try Data(bytes).write(to: url)
    }

    @discardableResult
    private func edit<Value>(
        _ folder: String, _ body: (Database) throws -> Value
    ) throws -> Value {
        let database = try DatabaseQueue(path: path(folder))
        let value = try database.write(body)
        _ = try database.writeWithoutTransaction { try $0.checkpoint(.truncate) }
        try database.close()
        return value
    }
}
