import DepotCore
import DepotTestSupport
import GRDB
import Testing

@testable import DepotSQLiteCatalog

/// An older catalog has all of its receipts in the table: they stay there.
@Suite struct ReceiptCarryOverTests {
    private static let chunks = Result { try CatalogFixture.chunks(0..<3) }

    /// Files that are there, changed, and gone, in one deposit that is over and one that is not.
    private func makeOld(
        _ folder: String, _ time: ManualClock
    ) async throws -> (ended: [Receipt], live: Receipt) {
        let catalog = try await SQLiteCatalog.open(at: folder, clock: time.clock)
        let fixture = CatalogFixture(catalog: catalog) { time.advance($0) }
        try await fixture.admit(1...3)
        let on = CatalogFixture.replicas(1...3)
        let deposit = try await fixture.open(level: 3)
        var ended: [Receipt] = []
        for name in ["stays", "goes", "replaced"] {
            ended.append(
                try await fixture.deposit(name, Self.chunks.get(), on: on, keepingLease: deposit))
        }
        try await catalog.closeDeposit(deposit)
        _ = try await catalog.delete(FileName("goes"), time: 1)
        let other = try await fixture.open(level: 3)
        let live = try await fixture.deposit(
            "replaced", CatalogFixture.chunks(5..<7), on: on, keepingLease: other)
        try catalog.close()
        try OlderCatalog.receiptTable.bringBack(in: folder)
        return (ended, live)
    }

    private func inRows(_ catalog: SQLiteCatalog) async throws -> Int {
        try await catalog.queue.view {
            try Int.fetchOne($0.database, sql: "SELECT count(deposit) FROM file") ?? -1
        }
    }

    @Test func `its receipts are found, lowered, repeated and forgotten`() async throws {
        try await withFolder { folder in
            let time = ManualClock()
            let (ended, live) = try await makeOld(folder, time)
            let catalog = try await SQLiteCatalog.open(at: folder, clock: time.clock)
            let fixture = CatalogFixture(catalog: catalog) { time.advance($0) }
            #expect(try await inRows(catalog) == 0)
            for receipt in ended + [live] {
                let found = try await catalog.receipt(of: receipt.name, deposit: receipt.deposit)
                #expect(found == receipt)
            }
            let again = try await fixture.outcome(
                CatalogFixture.commit("stays", Self.chunks.get()), in: ended[0].deposit, copies: 3)
            #expect(try again.receipt == ended[0])
            let lowered = try await catalog.lower(ended[0], to: 2)
            _ = try await catalog.delete(FileName("stays"), time: 2)
            let found = try await catalog.receipt(of: lowered.name, deposit: lowered.deposit)
            #expect(found == lowered)
            time.advance(Receipt.keptFor)
            try await catalog.markUnused()
            for receipt in ended {
                let gone = try await catalog.receipt(of: receipt.name, deposit: receipt.deposit)
                #expect(gone == nil)
            }
            let kept = try await catalog.receipt(of: live.name, deposit: live.deposit)
            #expect(kept == live, "its deposit ended just now")
            try catalog.close()
        }
    }

    @Test func `a deposit that was under way goes on in it`() async throws {
        try await withFolder { folder in
            let time = ManualClock()
            let (_, live) = try await makeOld(folder, time)
            let catalog = try await SQLiteCatalog.open(at: folder, clock: time.clock)
            let fixture = CatalogFixture(catalog: catalog) { time.advance($0) }
            let receipt = try await fixture.deposit(
                "new", Self.chunks.get(), on: CatalogFixture.replicas(1...3),
                keepingLease: live.deposit)
            #expect(try await inRows(catalog) == 1)
            for expected in [live, receipt] {
                let found = try await catalog.receipt(of: expected.name, deposit: live.deposit)
                #expect(found == expected)
            }
            _ = try await catalog.delete(receipt.name, time: 2)
            let found = try await catalog.receipt(of: receipt.name, deposit: live.deposit)
            #expect(found == receipt)
            #expect(try await catalog.everything().first == "ok")
            try catalog.close()
        }
    }
}
