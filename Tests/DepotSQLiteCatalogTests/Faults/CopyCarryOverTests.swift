import DepotCore
import DepotTestSupport
import FoundationEssentials
import GRDB
import Testing

@testable import DepotSQLiteCatalog

/// A catalog whose copies are in the table `holding` is used at once, and is carried over meanwhile. At no moment it
/// says anything else.
@Suite struct CopyCarryOverTests {
    /// - Returns: what it says of its chunks.
    private func makeOld(_ folder: String) async throws -> [ChunkStatus?] {
        let catalog = try await CatalogScene().make(for: CatalogScene.steps[0], in: folder)
        let fixture = CatalogFixture(catalog: catalog) { _ in }
        let chunks = try CatalogFixture.chunks(0..<6)
        try await fixture.settle(chunks[0], .bad, on: 2)
        _ = try await fixture.release(chunks[1], on: 3, hashed: 1...2)
        let said = try await Self.said(by: catalog)
        try catalog.close()
        try HoldingTable.bringBack(in: folder)
        return said
    }

    private static func said(by catalog: SQLiteCatalog) async throws -> [ChunkStatus?] {
        try await catalog.statuses(of: CatalogFixture.chunks(0..<74).map(\.id))
    }

    private static func left(in catalog: SQLiteCatalog) async throws -> Int? {
        try await catalog.queue.view { session in
            guard session.isCarrying else { return nil }
            return try session.statement("SELECT count(*) FROM holding").first { try $0.get(0) }
        }
    }

    @Test func `it is the same before each step, and opened again between any two`() async throws {
        try await withFolder { folder in
            let said = try await makeOld(folder)
            var lefts: [Int] = []
            while true {
                let catalog = try await SQLiteCatalog.still(at: folder)
                #expect(try await Self.said(by: catalog) == said)
                let left = try await Self.left(in: catalog)
                if let left {
                    lefts.append(left)
                    try await catalog.queue.change { _ = try CarryOver($0, chunksAtOnce: 3).step() }
                }
                try catalog.close()
                if left == nil { break }
            }
            #expect(lefts.count > 5 && lefts.last == 0)
            #expect(lefts == lefts.sorted(by: >), "each step does something")
            let catalog = try await SQLiteCatalog.still(at: folder)
            #expect(try await catalog.everything().first == "ok")
            let tables = try await catalog.queue.view {
                try CatalogSchema.parts(of: $0.database).keys.filter { $0.hasPrefix("holding") }
            }
            #expect(tables.isEmpty)
            #expect(try await !catalog.catchUp())
            try catalog.close()
        }
    }

    @Test func `catching up ends it, and what the parts say stays the same`() async throws {
        try await withFolder { folder in
            let said = try await makeOld(folder)
            let catalog = try await SQLiteCatalog.still(at: folder)
            let figures = try await Self.figures(of: catalog)
            #expect(figures.count > 20)
            for _ in 0..<10 where try await catalog.catchUp() {
                #expect(try await Self.said(by: catalog) == said)
                #expect(try await Self.figures(of: catalog) == figures)
            }
            #expect(try await Self.left(in: catalog) == nil)
            try catalog.close()
        }
    }

    /// What statements over many chunks say.
    private static func figures(of catalog: SQLiteCatalog) async throws -> [String] {
        let fixture = CatalogFixture(catalog: catalog) { _ in }
        let all = CatalogFixture.replicas(1...3)
        let plan = try await catalog.collectionPlan(grace: .zero)
        var lines = ["\(plan)"]
        let totals = try await catalog.totals(counting: all)
        lines.append("\(totals.storedBytes) \(totals.underReplicated) \(totals.uniqueBytes)")
        lines += try await catalog.shortfall(counting: all, limit: 99).map { "\($0.reference)" }
        lines += try await catalog.surplus(counting: all, after: nil, limit: 99).map {
            "\($0.reference)"
        }
        lines.append("\(try await catalog.lossTotals(without: CatalogFixture.replicas(1...2)))")
        lines += try await catalog.losses(
            without: CatalogFixture.replicas(1...2), after: nil, limit: 99
        ).map { "\($0)" }
        for number in 1...3 as ClosedRange<UInt8> {
            let replica = CatalogFixture.replica(number)
            lines.append("\(totals.chunks[replica] ?? -1)")
            lines.append("\(try await catalog.remainder(on: replica, counting: all))")
            lines += try await catalog.unused(
                for: .zero, on: replica, after: nil, limit: 99
            ).map { "\($0)" }
            for state in HoldingState.allCases {
                lines += try await fixture.holdings(on: number, state: state, limit: 2).map {
                    "\(number) \(state) \($0.id)"
                }
            }
        }
        return lines
    }

    /// A seed that failed once is added here, and stays.
    @Test(arguments: [1, 2, 7_027_808_263_426_008_118, UInt64.random(in: 3...UInt64.max)])
    func `games go on in it against a plain model`(_ seed: UInt64) async throws {
        print("carry-over: seed \(seed); to replay, put it into the arguments of this test")
        try await withFolder(inMemory: true) { folder in
            let time = ManualClock()
            let first = try await SQLiteCatalog.open(at: folder, clock: time.clock)
            var game = try CatalogModel(
                seed: seed, fixture: CatalogFixture(catalog: first) { time.advance($0) })
            try await game.play(steps: 60)
            // Each change ends the leases that are over.
            _ = try await first.makeClaim()
            try first.close()
            try HoldingTable.bringBack(in: folder)
            let catalog = try await SQLiteCatalog.open(at: folder, clock: time.clock)
            game.goOn(with: CatalogFixture(catalog: catalog) { time.advance($0) })
            var random = SeededGenerator(seed: seed)
            let before = try await Self.left(in: catalog)
            #expect(before != nil)
            try await game.play(steps: 60) { _ in
                guard Int.random(in: 0..<3, using: &random) == 0 else { return }
                try await catalog.queue.change {
                    if try CarryOver($0, chunksAtOnce: 1).step() { return }
                    try FormerBits($0, clearedAtOnce: 2).step()
                }
            }
            try catalog.close()
        }
    }

    @Test func `that there is no way back is said once, before it begins`() async throws {
        try await withFolder { folder in
            _ = try await makeOld(folder)
            let lines = LogNotes()
            for opening in 1...2 {
                let catalog = try await SQLiteCatalog.open(at: folder, logger: lines.logger)
                #expect(
                    lines.messages.count { $0.contains("there is no way back") } == 1, "\(opening)")
                try catalog.close()
            }
            let new = LogNotes()
            try await SQLiteCatalog.open(at: folder + "/new", logger: new.logger).close()
            #expect(new.messages.isEmpty)
        }
    }

    @Test(arguments: ["DROP TABLE holding", "DROP INDEX holding_replica"])
    func `the old table is not missed before its time`(_ sql: String) async throws {
        try await withFolder { folder in
            _ = try await makeOld(folder)
            try await SQLiteCatalog.still(at: folder).close()
            let database = try DatabaseQueue(path: CatalogPages.file(folder).path)
            try await database.write { try $0.execute(sql: sql) }
            try database.close()
            let error = await thrown { _ = try await SQLiteCatalog.still(at: folder) }
            #expect(error?.message.contains("'depot rebuild-catalog'") == true)
        }
    }

    @Test func `no step holds others up, whatever the number of chunks`() async throws {
        try await withFolder { folder in
            let catalog = try await SQLiteCatalog.still(at: folder)
            try await CatalogFixture(catalog: catalog) { _ in }.admit(1...3)
            try catalog.close()
            try HoldingTable.bringBack(in: folder)
            let count = 50_000
            let database = try DatabaseQueue(path: CatalogPages.file(folder).path)
            try await database.write {
                try $0.execute(
                    sql: """
                        WITH RECURSIVE n (i) AS (
                            SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(count))
                        INSERT INTO chunk (id, hash, length) SELECT i, randomblob(32), 1000 FROM n;
                        INSERT INTO holding SELECT c.id, m.id, 1 FROM chunk c, member m;
                        """)
            }
            try database.close()
            let opened = try await SQLiteCatalog.still(at: folder)
            let carried = try await Self.catchUp(opened)
            print("carry-over: \(count) chunks in \(carried)")
            #expect(carried.steps > count / (CarryOver.chunksAtOnce + 1))
            let totals = try await opened.totals(counting: CatalogFixture.replicas(1...3))
            #expect(totals.chunks.values.allSatisfy { $0 == count })
            // Nothing of all this depends on the number of copies.
            for change in [
                {
                    try await $0.observe(
                        LogPosition(opens: 0, segment: 0, offset: 0), of: CatalogFixture.replica(1),
                        asOf: $0.mark()) != true
                },
                {
                    try await $0.forget(CatalogFixture.replica(2))
                    return true
                },
            ] as [(SQLiteCatalog) async throws -> Bool] {
                let before = try await Self.rowsWritten(by: opened)
                #expect(try await change(opened))
                #expect(try await Self.rowsWritten(by: opened) - before < 20)
            }
            let cleared = try await Self.catchUp(opened)
            print("former bits: \(count) chunks in \(cleared)")
            #expect(cleared.steps > count / Int(FormerBits.clearedAtOnce))
            let after = try await opened.totals(counting: CatalogFixture.replicas(1...3))
            #expect(after.chunks.values.sorted() == [0, count])
            try opened.close()
        }
    }

    private static func catchUp(
        _ catalog: SQLiteCatalog
    ) async throws -> (steps: Int, longest: Duration) {
        var (steps, longest) = (0, Duration.zero)
        while true {
            let start = ContinuousClock.now
            guard try await catalog.catchUp() else { return (steps, longest) }
            longest = max(longest, ContinuousClock.now - start)
            steps += 1
        }
    }

    private static func rowsWritten(by catalog: SQLiteCatalog) async throws -> Int {
        try await catalog.queue.change { $0.database.totalChangesCount }
    }
}
