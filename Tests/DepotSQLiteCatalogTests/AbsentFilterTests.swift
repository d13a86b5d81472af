import DepotCore
import DepotTestSupport
import FoundationEssentials
import GRDB
import Testing

@testable import DepotSQLiteCatalog

/// What is told to be new is new.
@Suite struct AbsentFilterTests {
    private static func ids(_ range: Range<Int>) -> [ChunkID] {
        range.map { ChunkID(hashing: "id \($0)") }
    }

    @Test func `no id that is there is told to be absent, and most others are`() {
        let filter = AbsentFilter()
        let (here, others) = (Self.ids(0..<60_000), Self.ids(60_000..<100_000))
        #expect(filter.isToBegin)
        // Nothing is known yet.
        #expect(!others.contains { filter.isAbsent($0) })
        filter.begin(for: 30_000)
        filter.enter(Array(here[..<20_000]), upTo: 20_000)
        #expect(!others.contains { filter.isAbsent($0) })
        filter.enter(Array(here[20_000..<40_000]), upTo: nil)
        for id in here[40_000...] { filter.enter(id) }
        #expect(filter.unread == nil && !filter.isToBegin)
        #expect(!here.contains { filter.isAbsent($0) })
        #expect(others.count { filter.isAbsent($0) } > others.count * 95 / 100)
    }

    @Test func `for many more ids it is begun anew`() {
        let filter = AbsentFilter()
        filter.begin(for: 1)
        for id in Self.ids(0..<66_000) { filter.enter(id) }
        #expect(filter.isToBegin)
        filter.begin(for: 66_000)
        #expect(!filter.isToBegin && filter.unread == 0)
        #expect(!filter.isAbsent(Self.ids(0..<1)[0]))
    }

    /// A file of any size may say that there are very many.
    @Test(arguments: [0, Int64.columnRange.upperBound])
    func `its size is bounded`(_ count: Int64) {
        let filter = AbsentFilter()
        filter.begin(for: count)
        #expect(!filter.isToBegin)
    }

    @Test func `what enters on any way is known to the next one who names it`() async throws {
        try await withCatalog { fixture in
            try await fixture.admit(1...3)
            let before = try CatalogFixture.chunk("before")
            try await fixture.depositOnly("before", "before", on: 1...3)
            while try await fixture.catalog.learn() {}
            let brought = try await fixture.depositOnly("brought", "brought", on: 1...3)
            let shown = try CatalogFixture.chunk("shown")
            let entry = InventoryEntry(id: .chunk(shown.id), length: shown.length, segment: 1)
            for number in 1...3 as ClosedRange<UInt8> {
                _ = try await fixture.catalog.reconcile(
                    InventoryPage(after: nil, entries: [entry], isLast: false),
                    of: CatalogFixture.replica(number))
                try await fixture.settle(shown, .good, on: number)
            }
            let (here, new) = ([before, brought, shown], try CatalogFixture.chunk("new"))
            let deposit = try await fixture.open(level: 3)
            for named in [here + [new], [new], here] {
                let lacking = try await fixture.catalog.negotiate(
                    deposit, chunks: named, live: CatalogFixture.replicas(1...3), copies: 3)
                #expect(lacking == named.filter { $0 == new })
            }
        }
    }

    @Test func `of a damaged catalog nothing is read`() async throws {
        try await withCatalog { fixture in
            let catalog = try #require(fixture.catalog as? SQLiteCatalog)
            _ = catalog.queue.damage.mapped(DatabaseError(resultCode: .SQLITE_CORRUPT))
            #expect(try await !catalog.learn())
        }
    }

    @Test func `a rebuild notes what it enters`() async throws {
        try await withFolder { folder in
            let catalog = try await SQLiteCatalog.makeForRebuild(
                in: folder + "/catalog", cluster: ClusterIdentity(cluster: .random(), epoch: 2))
            while try await catalog.learn() {}
            let chunks = try CatalogFixture.chunks(0..<3)
            try await catalog.restore(
                manifest: CatalogFixture.manifest(chunks), chunks: chunks, pieces: [])
            let absent = catalog.queue.absent
            #expect(!chunks.contains { absent.isAbsent($0.id) })
            #expect(absent.isAbsent(try CatalogFixture.chunk("another").id))
            try catalog.close()
        }
    }

    @Test func `a large catalog is read piece by piece while others go on`() async throws {
        try await withFolder { folder in
            let count = 45_000
            try await SQLiteCatalog.open(at: folder).close()
            let database = try DatabaseQueue(path: CatalogPages.file(folder).path)
            try await database.write {
                try $0.execute(
                    sql: """
                        WITH RECURSIVE n (i) AS (
                            SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(count))
                        INSERT INTO chunk (id, hash, length) SELECT i, randomblob(32), 1000 FROM n
                        """)
            }
            let ids = try await database.read {
                try Data.fetchAll($0, sql: "SELECT hash FROM chunk").compactMap {
                    ChunkID(bytes: $0)
                }
            }
            try database.close()
            let catalog = try await SQLiteCatalog.open(at: folder)
            let fixture = CatalogFixture(catalog: catalog) { _ in }
            try await fixture.admit(1...3)
            var (steps, brought): (Int, [ChunkReference]) = (0, [])
            while try await catalog.learn() {
                steps += 1
                brought.append(try await fixture.depositOnly("\(steps)", "\(steps)", on: 1...3))
            }
            #expect(steps == 3 && ids.count == count)
            let absent = catalog.queue.absent
            #expect(!(ids + brought.map(\.id)).contains { absent.isAbsent($0) })
            #expect(Self.ids(0..<100).count { absent.isAbsent($0) } > 80)
            try catalog.close()
        }
    }
}
