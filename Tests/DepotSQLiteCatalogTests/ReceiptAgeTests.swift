import DepotCore
import DepotTestSupport
import GRDB
import Testing

@testable import DepotSQLiteCatalog

/// Receipts were kept for ever, and with them deposits and the records that they name: the catalog grew with every
/// commit that there ever was.
@Suite struct ReceiptAgeTests {
    private func count(_ table: String, _ catalog: SQLiteCatalog) async throws -> Int {
        try await catalog.queue.view {
            try Int.fetchOne($0.database, sql: "SELECT count(*) FROM \(table)") ?? -1
        }
    }

    @Test func `commits that were replaced leave nothing behind when their time is over`()
        async throws
    {
        try await withCatalog { fixture in
            let catalog = try #require(fixture.catalog as? SQLiteCatalog)
            try await fixture.admit(1...2)
            let on = CatalogFixture.replicas(1...2)
            for round in 0..<3 {
                try await fixture.deposit(
                    "file", CatalogFixture.chunks(round..<round + 1), on: on)
            }
            let waiting = try await fixture.deposit("other", CatalogFixture.chunks(8..<9), on: on)
            fixture.advance(Receipt.keptFor)
            try await catalog.markUnused()
            let pending = try await count("record", catalog)
            #expect(pending == 4, "those in the outbox stay")
            try await fixture.deliver(on: 1...2)
            for number in 1...2 as ClosedRange<UInt8> {
                let old = try await fixture.obsolete(on: number)
                #expect(old.count == 2)
                try await catalog.removeRecords(old.sorted(), on: CatalogFixture.replica(number))
            }
            let counts = try await (
                count("receipt", catalog), count("deposit", catalog), count("record", catalog)
            )
            #expect(counts == (0, 0, 2))
            let entry = try await catalog.file(waiting.name)
            #expect(entry.sequence == waiting.sequence)
        }
    }

    /// The replicas let the old record go while its receipt was kept.
    @Test func `a record that only a receipt needed goes with it`() async throws {
        try await withCatalog { fixture in
            let catalog = try #require(fixture.catalog as? SQLiteCatalog)
            try await fixture.admit(1...1)
            let on = CatalogFixture.replicas(1...1)
            try await fixture.deposit("file", CatalogFixture.chunks(0..<1), on: on)
            fixture.advance(.seconds(60))
            try await fixture.deposit("file", CatalogFixture.chunks(1..<2), on: on)
            try await fixture.deliver(on: 1...1)
            let old = try await fixture.obsolete(on: 1)
            try await catalog.removeRecords(old.sorted(), on: CatalogFixture.replica(1))
            try await catalog.markUnused()
            let kept = try await count("record", catalog)
            #expect(kept == 2)
            fixture.advance(Receipt.keptFor - .seconds(60))
            try await catalog.markUnused()
            let counts = try await (
                count("receipt", catalog), count("deposit", catalog), count("record", catalog)
            )
            #expect(counts == (0, 1, 1), "the other receipt is in the row of its file")
        }
    }

    @Test func `many receipts go in several transactions`() async throws {
        try await withCatalog { fixture in
            let catalog = try #require(fixture.catalog as? SQLiteCatalog)
            try await fixture.admit(1...1)
            try await fixture.deposit(
                "file", CatalogFixture.chunks(0..<1), on: CatalogFixture.replicas(1...1))
            let many = ReceiptTable.forgottenAtOnce * 3 / 2
            try await catalog.queue.change {
                try $0.database.execute(
                    sql: """
                        WITH RECURSIVE n (i) AS (
                            SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(many))
                        INSERT INTO receipt SELECT d.id, f.name || i, f.record, 1, 1, 1, 1, 1
                        FROM file f CROSS JOIN deposit d ON d.uuid = f.deposit CROSS JOIN n
                        """)
            }
            fixture.advance(Receipt.keptFor)
            let isMore = try await catalog.queue.change { try ReceiptTable($0).forgetOld() }
            let left = try await (count("receipt", catalog), count("deposit", catalog))
            #expect(isMore)
            #expect(left == (many - ReceiptTable.forgottenAtOnce, 1))
            try await catalog.markUnused()
            let none = try await (count("receipt", catalog), count("deposit", catalog))
            #expect(none == (0, 0))
        }
    }

    /// Each leaves a row that nothing but its age lets go.
    @Test func `many deposits go in several transactions`() async throws {
        try await withCatalog { fixture in
            let catalog = try #require(fixture.catalog as? SQLiteCatalog)
            let many = ReceiptTable.forgottenAtOnce * 3 / 2
            try await catalog.queue.change {
                try $0.database.execute(
                    sql: """
                        WITH RECURSIVE n (i) AS (
                            SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(many))
                        INSERT INTO deposit (uuid, level, lease, ended, committed)
                        SELECT randomblob(16), 1, 1, 0, 1 FROM n
                        """)
            }
            fixture.advance(Receipt.keptFor)
            let isMore = try await catalog.queue.change { try ReceiptTable($0).forgetOld() }
            let left = try await count("deposit", catalog)
            #expect(isMore && left == many - ReceiptTable.forgottenAtOnce)
            try await catalog.markUnused()
            #expect(try await count("deposit", catalog) == 0)
        }
    }

    @Test func `a deposit that committed nothing leaves no row`() async throws {
        try await withCatalog { fixture in
            let catalog = try #require(fixture.catalog as? SQLiteCatalog)
            try await fixture.admit(1...1)
            let on = CatalogFixture.replicas(1...1)
            let deposit = try await fixture.open(level: 1)
            try await fixture.send(CatalogFixture.chunks(0..<3), to: on, in: deposit)
            try await catalog.closeDeposit(deposit)
            #expect(try await count("deposit", catalog) == 0)
            try await fixture.deposit("file", CatalogFixture.chunks(0..<1), on: on)
            #expect(try await count("deposit", catalog) == 1)
        }
    }

    @Test(arguments: [Duration.zero, .seconds(7), Receipt.keptFor * 5])
    func `a running clock that begins anew takes no receipt early`(_ start: Duration) async throws {
        try await withFolder { folder in
            let first = ManualClock()
            first.advance(Receipt.keptFor * 3)
            let receipt: Receipt
            do {
                let catalog = try await SQLiteCatalog.open(at: folder, clock: first.clock)
                let fixture = CatalogFixture(catalog: catalog) { first.advance($0) }
                try await fixture.admit(1...1)
                receipt = try await fixture.deposit(
                    "file", CatalogFixture.chunks(0..<1), on: CatalogFixture.replicas(1...1))
                first.advance(.seconds(500))
                // Writes the running time down.
                try await fixture.admit(1...1)
                try catalog.close()
            }
            let second = ManualClock()
            second.advance(start)
            let catalog = try await SQLiteCatalog.open(at: folder, clock: second.clock)
            for (advanced, isKept) in [
                (Duration.zero, true), (Receipt.keptFor - .seconds(501), true),
                (.seconds(1), false),
            ] {
                second.advance(advanced)
                try await catalog.markUnused()
                let found = try await catalog.receipt(of: receipt.name, deposit: receipt.deposit)
                #expect((found == receipt) == isKept, "\(advanced)")
            }
            try catalog.close()
        }
    }

    /// Nobody knows when those deposits ended.
    @Test func `an older catalog keeps its receipts from its first opening on`() async throws {
        try await withFolder { folder in
            let database = try DatabaseQueue(path: folder + "/" + SQLiteCatalog.fileName)
            try CatalogSchema.migrator.migrate(database, upTo: "2 upkeep")
            try await database.write {
                try $0.execute(
                    sql: """
                        INSERT INTO cluster VALUES (1, randomblob(16), 1, 1, 1, 9000000000, 0, 0);
                        INSERT INTO deposit VALUES (1, randomblob(16), 1, 600000, NULL);
                        INSERT INTO deposit VALUES (2, randomblob(16), 1, 600000, 9000000001);
                        INSERT INTO record VALUES (1, randomblob(32), x'00', 0, 'file', 0);
                        INSERT INTO receipt VALUES (1, 'file', 1, 1, 1, 1, 1, 1);
                        """)
            }
            try database.close()
            let time = ManualClock()
            let catalog = try await SQLiteCatalog.open(at: folder, clock: time.clock)
            for (advanced, isKept) in [
                (Duration.zero, true), (Receipt.keptFor - .milliseconds(1), true),
                (.milliseconds(1), false),
            ] {
                time.advance(advanced)
                try await catalog.markUnused()
                let found = try await count("receipt", catalog)
                #expect((found == 1) == isKept, "\(advanced)")
            }
            try catalog.close()
        }
    }
}
