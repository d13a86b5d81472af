import DepotCore
import DepotSQLite
import DepotTestSupport
import GRDB
import Testing

@testable import DepotSQLiteCatalog

/// Forgetting a member deleted all that was under its number in one transaction, and everybody who wrote waited for it.
@Suite struct FormerNumberTests {
    private static let chunks = Result { try CatalogFixture.chunks(0..<9) }
    private static let tables = ["verdict", "setback", "record_holding", "segment"]

    /// Members 1 to 3, of which each has something of everything.
    private func furnish(_ fixture: CatalogFixture, members: UInt8 = 3) async throws {
        try await fixture.admit(1...members)
        let on = CatalogFixture.replicas(1...3)
        try await fixture.deposit("file", Self.chunks.get(), on: on, level: 2)
        try await fixture.deposit("gone", CatalogFixture.chunks(20..<22), on: on)
        _ = try await fixture.catalog.delete(FileName("gone"), time: 1)
        for number in 1...3 as ClosedRange<UInt8> {
            try await fixture.settle(Self.chunks.get()[Int(number)], .bad, on: number)
            try await fixture.catalog.noteSegments(
                (1...4).map {
                    SegmentInfo(
                        id: SegmentID(number: $0, nonce: 1), bytes: 1, liveBytes: 1, liveCopies: 1,
                        isSealed: true)
                }, of: CatalogFixture.replica(number))
        }
        try await fixture.deliver(on: 1...3)
    }

    private func withFurnished(
        members: UInt8 = 3, _ body: (SQLiteCatalog, CatalogFixture) async throws -> Void
    ) async throws {
        try await withCatalog { fixture in
            try await furnish(fixture, members: members)
            try await body(#require(fixture.catalog as? SQLiteCatalog), fixture)
        }
    }

    /// Rows under a number, of all tables.
    private func rows(under number: Int, _ catalog: SQLiteCatalog) async throws -> Int {
        try await catalog.queue.view { session in
            try Self.tables.reduce(0) { sum, table in
                try sum
                    + (session.statement("SELECT count(*) FROM \(table) WHERE replica = ?")
                        .first(number) { try $0.get(0, as: Int.self) } ?? 0)
            }
        }
    }

    private func number(of replica: UInt8, _ catalog: SQLiteCatalog) async throws -> Int {
        try await catalog.queue.view {
            try $0.members().number(of: CatalogFixture.replica(replica))
        }
    }

    private func isFormer(_ number: Int, _ catalog: SQLiteCatalog) async throws -> Bool {
        try await catalog.queue.view { try $0.members().formerNumbers.contains(number) }
    }

    private func step(_ catalog: SQLiteCatalog, rows: Int) async throws -> Bool {
        try await catalog.queue.change { try FormerNumbers($0, clearedAtOnce: rows).step() }
    }

    /// What the catalog says of a member that was let in just now.
    private func expectNothing(of replica: UInt8, _ fixture: CatalogFixture) async throws {
        let on = CatalogFixture.replica(replica)
        let remainder = try await fixture.catalog.remainder(
            on: on, counting: CatalogFixture.replicas(1...63))
        #expect(remainder == ReplicaRemainder())
        let segments = try await fixture.catalog.segmentChecks(on: on)
        #expect(segments.isEmpty)
        for state in HoldingState.allCases {
            let copies = try await fixture.holdings(on: replica, state: state, limit: 9)
            #expect(copies.isEmpty, "\(state)")
        }
        let obsolete = try await fixture.obsolete(on: replica)
        #expect(obsolete.isEmpty)
        let waiting = try await fixture.catalog.outbox(limit: 9)
        #expect(waiting.allSatisfy { !$0.confirmed.contains(on) })
    }

    @Test func `a number is another member's when nothing is left under it, and not before`()
        async throws
    {
        try await withFolder { folder in
            let time = ManualClock()
            let first = try await SQLiteCatalog.open(at: folder, clock: time.clock)
            try await furnish(CatalogFixture(catalog: first) { time.advance($0) })
            let before = try await rows(under: 1, first)
            try await first.forget(CatalogFixture.replica(2))
            #expect(try await rows(under: 1, first) == before && before > 7)
            try first.close()
            var (lefts, admitted): ([Int], UInt8) = ([], 3)
            while true {
                // Opened again between any two steps.
                let catalog = try await SQLiteCatalog.open(at: folder, clock: time.clock)
                let fixture = CatalogFixture(catalog: catalog) { time.advance($0) }
                lefts.append(try await rows(under: 1, catalog))
                guard try await isFormer(1, catalog) else {
                    try catalog.close()
                    break
                }
                if lefts.count % 3 == 1 {
                    admitted += 1
                    try await fixture.admit(admitted...admitted)
                    #expect(try await number(of: admitted, catalog) != 1)
                    try await expectNothing(of: admitted, fixture)
                }
                #expect(try await catalog.everything().first == "ok")
                #expect(try await step(catalog, rows: 2))
                try catalog.close()
            }
            #expect(lefts.count > 5 && lefts.last == 0)
            #expect(lefts == lefts.sorted(by: >), "nothing comes under it")
            #expect(admitted > 4)
            let catalog = try await SQLiteCatalog.open(at: folder, clock: time.clock)
            let fixture = CatalogFixture(catalog: catalog) { time.advance($0) }
            try await fixture.admit(60...60)
            #expect(try await number(of: 60, catalog) == 1)
            try await expectNothing(of: 60, fixture)
            try catalog.close()
        }
    }

    @Test func `what is under a former number counts for nothing`() async throws {
        try await withFurnished { catalog, fixture in
            let chunk = try Self.chunks.get()[2]
            _ = try await catalog.delete(FileName("file"), time: 2)
            try await fixture.deliver(on: 1...3)
            try await fixture.deposit(
                "late", CatalogFixture.chunks(30..<31), on: CatalogFixture.replicas(1...3))
            try await fixture.deliver(on: 2...2, isDone: false)
            let waiting = try await catalog.outbox(limit: 9)
            #expect(waiting.map(\.confirmed) == [CatalogFixture.replicas(2...2)])
            let before = try await catalog.collectionPlan(grace: .zero)
            try await catalog.forget(CatalogFixture.replica(2))
            #expect(try await rows(under: 1, catalog) > 0)
            let outbox = try await catalog.outbox(limit: 9)
            #expect(outbox.map(\.confirmed) == [[]])
            let left = try await fixture.status(chunk)?.holdings.map(\.replica)
            #expect(left == [CatalogFixture.replica(1), CatalogFixture.replica(3)])
            let plan = try await plan(catalog)
            #expect("\(before)" != plan)
            while try await catalog.catchUp() {}
            #expect(try await self.plan(catalog) == plan, "it is the same when all is cleared")
        }
    }

    private func plan(_ catalog: SQLiteCatalog) async throws -> String {
        "\(try await catalog.collectionPlan(grace: .zero))"
    }

    /// Records that a former member alone had held down a tombstone, and stayed themselves.
    @Test func `records that a forgotten member alone had are gone`() async throws {
        try await withCatalog { fixture in
            let catalog = try #require(fixture.catalog as? SQLiteCatalog)
            try await fixture.admit(1...3)
            try await fixture.depositOnly("a", "a", on: 1...3)
            let old = try #require(try await catalog.record(of: FileName("a"))).batch.id
            let tombstone = RecordBatch(try await catalog.delete(FileName("a"), time: 1)).id
            try await fixture.deliver(on: 1...3)
            for number in 1...2 as ClosedRange<UInt8> {
                try await catalog.removeRecords([old], on: CatalogFixture.replica(number))
            }
            try await fixture.inventory(1...2)
            try await catalog.forget(CatalogFixture.replica(3))
            let obsolete = try await fixture.obsolete(on: 1)
            #expect(obsolete == [tombstone])
            for number in 1...2 as ClosedRange<UInt8> {
                try await catalog.removeRecords(
                    [tombstone], on: CatalogFixture.replica(number))
            }
            fixture.advance(Receipt.keptFor)
            try await catalog.markUnused()
            let left = try await catalog.queue.view { session in
                try ["tombstone", "record", "record_holding"].map { table in
                    try session.statement("SELECT count(*) FROM \(table)").first {
                        try $0.get(0, as: Int.self)
                    }
                }
            }
            #expect(left == [0, 0, 0])
        }
    }

    @Test func `where all numbers are taken it is all done at once`() async throws {
        try await withFurnished(members: 63) { catalog, fixture in
            try await catalog.forget(CatalogFixture.replica(2))
            await fixture.expect(.conflict) { try await fixture.admit(2...2) }
            try await fixture.admit(64...64)
            #expect(try await number(of: 64, catalog) == 1)
            #expect(try await rows(under: 1, catalog) == 0)
            try await expectNothing(of: 64, fixture)
            await fixture.expect(.tooLarge) { try await fixture.admit(65...65) }
        }
    }

    @Test func `a member is forgotten while its copies are carried over`() async throws {
        try await withFolder { folder in
            let time = ManualClock()
            let first = try await SQLiteCatalog.open(at: folder, clock: time.clock)
            try await furnish(CatalogFixture(catalog: first) { time.advance($0) })
            try first.close()
            try HoldingTable.bringBack(in: folder)
            let catalog = try await SQLiteCatalog.open(at: folder, clock: time.clock)
            let fixture = CatalogFixture(catalog: catalog) { time.advance($0) }
            let chunks = try Self.chunks.get()
            try await catalog.forget(CatalogFixture.replica(2))
            try await fixture.admit(4...4)
            #expect(try await number(of: 4, catalog) == 3)
            func expectLeft(_ when: Comment) async throws {
                for (chunk, bad) in zip(chunks, [0, 1, 2, 3, 0, 0, 0, 0, 0]) {
                    let status = try await fixture.status(chunk)
                    let expected = [1, 3].map { number in
                        Holding(
                            replica: CatalogFixture.replica(UInt8(number)),
                            state: number == bad ? .bad : .good)
                    }
                    #expect(status?.holdings == expected, when)
                }
                try await expectNothing(of: 4, fixture)
            }
            try await expectLeft("nothing is carried over")
            // One by being changed, the others step by step.
            try await fixture.settle(chunks[2], .good, on: 1)
            while try await catalog.queue.view({ $0.isCarrying }) {
                try await catalog.queue.change { _ = try CarryOver($0, chunksAtOnce: 3).step() }
                try await expectLeft("while it is carried over")
            }
            while try await catalog.catchUp() { try await expectLeft("while it is cleared") }
            #expect(try await rows(under: 1, catalog) == 0)
            try await fixture.admit(5...5)
            #expect(try await number(of: 5, catalog) == 1)
            try await expectLeft("at the end")
            try await expectNothing(of: 5, fixture)
            #expect(try await catalog.everything().first == "ok")
            try catalog.close()
        }
    }

    /// Damage, or a slip: whose copies would these be?
    @Test func `a number that is nobody's is told`() async throws {
        try await withFurnished { catalog, fixture in
            try await catalog.queue.change {
                try $0.database.execute(sql: "UPDATE verdict SET replica = 7 WHERE replica = 1")
            }
            let error = await thrown { _ = try await fixture.status(Self.chunks.get()[2]) }
            #expect(error?.code == .storeFailed)
        }
    }

    @Test(arguments: [
        "INSERT INTO former_number VALUES (1, 0)", "INSERT INTO former_number VALUES (62, -1)",
    ])
    func `a former number that is a member's is damage`(_ sql: String) async throws {
        try await withFurnished { catalog, fixture in
            try await catalog.queue.change { try $0.database.execute(sql: sql) }
            let error = await thrown { _ = try await fixture.status(Self.chunks.get()[2]) }
            #expect((error?.code == .storeFailed) == sql.contains("(1,"))
        }
    }

    @Test func `no step holds others up, whatever the number of rows`() async throws {
        try await withFolder { folder in
            let catalog = try await SQLiteCatalog.still(at: folder)
            try await CatalogFixture(catalog: catalog) { _ in }.admit(1...3)
            let count = 50_000
            try await catalog.queue.change { try fill($0, records: count) }
            let before = try await rowsWritten(by: catalog)
            let forgetting = ContinuousClock.now
            try await catalog.forget(CatalogFixture.replica(2))
            let forgotten = ContinuousClock.now - forgetting
            #expect(try await rowsWritten(by: catalog) - before < 20)
            var (steps, longest, most) = (0, Duration.zero, 0)
            while true {
                let (start, written) = (ContinuousClock.now, try await rowsWritten(by: catalog))
                guard try await catalog.catchUp() else { break }
                longest = max(longest, ContinuousClock.now - start)
                most = max(most, try await rowsWritten(by: catalog) - written)
                steps += 1
            }
            print(
                "forgetting: \(forgotten), then \(4 * count) rows in \(steps) steps, the longest "
                    + "\(longest)")
            #expect(steps > 3 * count / FormerNumbers.clearedAtOnce)
            // Setbacks are those of the chunks that were gone over.
            #expect(most < 2 * FormerNumbers.clearedAtOnce + 20)
            #expect(try await rows(under: 1, catalog) == 0)
            #expect(try await rows(under: 0, catalog) == 4 * count)
            try catalog.close()
        }
    }

    /// Records, segments, bad copies and setbacks of each member.
    private func fill(_ session: Session, records count: Int) throws {
        try session.database.execute(
            sql: """
                WITH RECURSIVE n (i) AS (
                    SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(count))
                INSERT INTO chunk (id, hash, length, rare) SELECT i, randomblob(32), 1000, 1 FROM n;
                INSERT INTO record (id, hash, text, pending, name)
                    SELECT id, hash, randomblob(200), 0, 'file ' || id FROM chunk;
                INSERT INTO record_holding SELECT r.id, m.id FROM record r, member m;
                INSERT INTO verdict SELECT c.id, m.id, \(state: .bad) FROM chunk c, member m;
                INSERT INTO setback SELECT c.id, m.id, 1, \(session.now) FROM chunk c, member m;
                INSERT INTO segment (replica, number, nonce, bytes, copies, sealed, problems)
                    SELECT m.id, c.id, 1, 1, 1, 1, 0 FROM chunk c, member m;
                """)
    }

    private func rowsWritten(by catalog: SQLiteCatalog) async throws -> Int {
        try await catalog.queue.change { $0.database.totalChangesCount }
    }
}
