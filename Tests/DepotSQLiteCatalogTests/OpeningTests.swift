import DepotCore
import DepotTestSupport
import FoundationEssentials
import GRDB
import Testing

@testable import DepotSQLiteCatalog

@Suite struct OpeningTests {
    @Test func `the connection that commits syncs at every commit`() async throws {
        try await withFolder { folder in
            let catalog = try await SQLiteCatalog.open(at: folder)
            let pragmas = try await catalog.queue.change { session in
                try ["synchronous", "journal_mode", "foreign_keys"].map {
                    try String.fetchOne(session.database, sql: "PRAGMA \($0)") ?? ""
                }
            }
            #expect(pragmas == ["2", "wal", "1"])
        }
    }

    @Test func `a second catalog in the folder is a conflict until the first is gone`() async throws
    {
        try await withFolder { folder in
            do {
                let first = try await SQLiteCatalog.open(at: folder)
                let error = await thrown { _ = try await SQLiteCatalog.open(at: folder) }
                #expect(error?.code == .conflict)
                #expect(
                    error?.description
                        == "\(folder): another FileServer uses this data folder; "
                        + "stop it, or name another folder")
                try first.close()
                let closed = await thrown { _ = try await first.cluster() }
                #expect(closed?.code == .storeFailed)
            }
            _ = try await SQLiteCatalog.open(at: folder)
        }
    }

    @Test func `what a newer depot has made is refused and not touched`() async throws {
        try await withFolder { folder in
            try await make(folder)
            try edit(folder, "INSERT INTO grdb_migrations VALUES ('9 from the future')")
            let before = try Data(contentsOf: file(folder))
            let error = await thrown { _ = try await SQLiteCatalog.open(at: folder) }
            #expect(error?.code == .formatUnsupported)
            #expect(try Data(contentsOf: file(folder)) == before)
        }
    }

    @Test func `another program's database is refused and not touched`() async throws {
        try await withFolder { folder in
            try edit(folder, "CREATE TABLE theirs (x)")
            let before = try Data(contentsOf: file(folder))
            let error = await thrown { _ = try await SQLiteCatalog.open(at: folder) }
            #expect(error?.code == .formatUnsupported)
            #expect(try Data(contentsOf: file(folder)) == before)
        }
    }

    @Test func `damage is told, with what to do`() async throws {
        try await withFolder { folder in
            try Data(repeating: 0x5a, count: 8_192).write(to: file(folder))
            let error = await thrown { _ = try await SQLiteCatalog.open(at: folder) }
            #expect(error?.code == .storeFailed)
            #expect(error?.message.contains("depot rebuild-catalog") == true)
        }
    }

    @Test func `a catalog that is opened again is the same, and its leases live on`() async throws {
        try await withFolder { folder in
            let time = ManualClock()
            let deposit: DepositID
            let (receipt, identity): (Receipt, ClusterIdentity)
            do {
                let catalog = try await SQLiteCatalog.open(at: folder, clock: time.clock)
                let fixture = CatalogFixture(catalog: catalog) { time.advance($0) }
                identity = try await catalog.cluster()
                try await fixture.admit(1...2)
                receipt = try await fixture.deposit(
                    "file", CatalogFixture.chunks(0..<5), on: CatalogFixture.replicas(1...2))
                deposit = try await fixture.open(level: 2)
                time.advance(.seconds(590))
                // Writes the running time down.
                try await fixture.admit(2...2)
                try catalog.close()
            }
            // Downtime does not count, and a clock that begins anew is no clock that went back.
            let later = ManualClock()
            later.advance(.seconds(7))
            let catalog = try await SQLiteCatalog.open(at: folder, clock: later.clock)
            later.advance(.seconds(590))
            let level = try await catalog.depositLevel(deposit)
            #expect(level.copies == 2)
            later.advance(.seconds(20))
            let ended = await thrown { try await catalog.renewDeposit(deposit) }
            #expect(ended?.code == .leaseEnded)
            let again = try await catalog.receipt(of: receipt.name, deposit: receipt.deposit)
            #expect(again == receipt)
            let cluster = try await catalog.cluster()
            #expect(cluster == identity)
            let members = try await catalog.members()
            #expect(members.count == 2)
            let entry = try await catalog.file(receipt.name)
            #expect(entry.sequence == receipt.sequence)
            let used = try await catalog.chunks(of: receipt.manifest, after: nil, limit: 100)
            #expect(used.count == 6)
            #expect(used.allSatisfy { $0.good.count == 2 })
        }
    }

    @Test func `a temporary catalog leaves nothing behind`() async throws {
        let path: String
        do {
            let catalog = try await SQLiteCatalog.temporary()
            path = try await catalog.queue.view { session in
                let row = try Row.fetchOne(session.database, sql: "PRAGMA database_list")
                return row?["file"] ?? ""
            }
            #expect(FileManager.default.fileExists(atPath: path))
            try catalog.close()
        }
        // The last of its connections may be on its way out still.
        let folder = String(path.dropLast(SQLiteCatalog.fileName.count + 1))
        let deadline = ContinuousClock.now + .seconds(10)
        while FileManager.default.fileExists(atPath: folder), ContinuousClock.now < deadline {
            await Task.yield()
        }
        #expect(!FileManager.default.fileExists(atPath: folder))
    }

    private func make(_ folder: String) async throws {
        let catalog = try await SQLiteCatalog.open(at: folder)
        try catalog.close()
    }

    private func file(_ folder: String) -> URL {
        URL(fileURLWithPath: folder + "/" + SQLiteCatalog.fileName)
    }

    private func edit(_ folder: String, _ sql: String) throws {
        let database = try DatabaseQueue(path: file(folder).path)
        try database.write { try $0.execute(sql: sql) }
        try database.close()
    }
}

/// The `DepotError` that `body` throws.
func thrown(_ body: () async throws -> Void) async -> DepotError? {
    do {
        try await body()
        return nil
    } catch {
        return error as? DepotError
    }
}
