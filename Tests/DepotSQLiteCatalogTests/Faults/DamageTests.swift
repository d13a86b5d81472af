import DepotCore
import DepotTestSupport
import FoundationEssentials
import GRDB
import Testing

@testable import DepotSQLiteCatalog

/// Something happened to the file while nobody looked. The catalog says so and names the way out, or it is whole.
@Suite struct DamageTests {
    /// Says the same of everything as before, or that it is damaged, with what to do.
    private func expectToldOrSame(
        _ folder: String, _ whole: [String], _ when: Comment
    ) async throws {
        do {
            let catalog = try await SQLiteCatalog.still(at: folder)
            defer { do { try catalog.close() } catch { Issue.record("\(error)") } }
            let state = try await catalog.everything()
            #expect(state == whole, when)
        } catch let error as DepotError {
            expectTold(error, when)
        }
    }

    private func expectTold(_ error: DepotError, _ when: Comment) {
        let isTold =
            error.code == .storeFailed && error.message.contains("depot rebuild-catalog")
            || error.code == .formatUnsupported
        #expect(isTold, "\(error); \(when)")
    }

    private func withClosedCatalog(
        _ body: (_ folder: String, _ whole: [String], _ bytes: [UInt8]) async throws -> Void
    ) async throws {
        try await withFolder { folder in
            let scene = CatalogScene()
            let catalog = try await scene.make(for: CatalogScene.steps[0], in: folder)
            let whole = try await catalog.everything()
            try catalog.close()
            try writeBack(folder)
            let bytes = try [UInt8](Data(contentsOf: file(folder)))
            try await body(folder, whole, bytes)
        }
    }

    private func file(_ folder: String) -> URL {
        URL(fileURLWithPath: folder + "/" + SQLiteCatalog.fileName)
    }

    private func replace(_ folder: String, with bytes: [UInt8]) throws {
        for suffix in ["-wal", "-shm"] {
            try? FileManager.default.removeItem(atPath: file(folder).path + suffix)
        }
        try Data(bytes).write(to: file(folder))
    }

    private func writeBack(_ folder: String) throws {
        let database = try DatabaseQueue(path: file(folder).path)
        try database.writeWithoutTransaction {
            try $0.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)")
        }
        try database.close()
    }

    private func edit(_ folder: String, _ sql: String) throws {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        let database = try DatabaseQueue(path: file(folder).path, configuration: configuration)
        try database.write { try $0.execute(sql: sql) }
        try database.close()
    }

    @Test func `a page of zeros is told`() async throws {
        try await withClosedCatalog { folder, whole, bytes in
            for page in 0..<bytes.count / 4_096 {
                var damaged = bytes
                damaged.replaceSubrange(
                    page * 4_096..<(page + 1) * 4_096, with: repeatElement(0, count: 4_096))
                try replace(folder, with: damaged)
                try await expectToldOrSame(folder, whole, "page \(page)")
            }
        }
    }

    /// A bit of a row gave another file's bytes, and one of an index had a live chunk collected; of random ones, half were
    /// not told by anything. Here it is one of each page, of a catalog that is looked at before it opens, and of
    /// one that is too large for that.
    @Test(arguments: [3, UInt64.random(in: 4...UInt64.max)], [false, true])
    func `a bit that flipped is told, or is harmless`(_ seed: UInt64, isLarge: Bool) async throws {
        print("catalog damage: seed \(seed); to replay, put it into the arguments of this test")
        try await withClosedCatalog { folder, whole, bytes in
            var random = SeededGenerator(seed: seed)
            for part in stride(from: 0, to: bytes.count, by: 4_096) {
                let position = part + Int.random(in: 0..<4_096, using: &random)
                let bit = Int.random(in: 0..<8, using: &random)
                var damaged = bytes
                damaged[position] ^= 1 << UInt8(bit)
                try replace(folder, with: damaged)
                let when: Comment = "seed \(seed), bit \(bit) of byte \(position)"
                do {
                    let catalog = try await SQLiteCatalog.open(
                        at: folder, clock: ManualClock().clock,
                        checkedMax: isLarge ? ByteCount(0) : SQLiteCatalog.checkedAtOpeningMax)
                    defer { do { try catalog.close() } catch { Issue.record("\(error)") } }
                    let state = try await catalog.everything()
                    if state.first == "ok" { #expect(state == whole, when) }
                    try await use(catalog, when)
                } catch let error as DepotError {
                    expectTold(error, when)
                }
            }
        }
    }

    /// Reads and writes through most of what there is; what is refused is refused.
    private func use(_ catalog: SQLiteCatalog, _ when: Comment) async throws {
        let fixture = CatalogFixture(catalog: catalog) { _ in }
        let all = CatalogFixture.replicas(1...3)
        _ = try await catalog.totals(counting: all)
        _ = try await catalog.outbox(limit: 100)
        _ = try await catalog.members()
        for entry in try await catalog.files(prefix: "", after: nil, limit: 100).files {
            _ = try await catalog.chunks(of: entry.manifest, after: nil, limit: 100)
        }
        _ = try await catalog.shortfall(counting: all, limit: 100)
        _ = try await catalog.losses(without: [CatalogFixture.replica(1)], after: nil, limit: 100)
        _ = try await catalog.lossTotals(without: [CatalogFixture.replica(1)])
        try await fixture.deposit("more", CatalogFixture.chunks(0..<4), on: all)
        try await catalog.markUnused()
        _ = try await catalog.collectionPlan(grace: .zero)
        let gone = try await catalog.releaseUnused(
            CatalogFixture.chunks(0..<60).map(\.id), for: .zero, on: CatalogFixture.replica(1))
        let unused = try Set(CatalogFixture.chunks(40..<60).map(\.id))
        #expect(unused.isSuperset(of: gone), when)
    }

    @Test func `without its log the catalog is what was written back last`() async throws {
        try await withFolder { folder in
            let scene = CatalogScene()
            let catalog = try await scene.make(for: CatalogScene.steps[0], in: folder + "/live")
            try FileManager.default.createDirectory(
                atPath: folder + "/image", withIntermediateDirectories: true)
            for name in [SQLiteCatalog.fileName, CatalogIdentityFile.fileName] {
                try FileManager.default.copyItem(
                    atPath: folder + "/live/" + name, toPath: folder + "/image/" + name)
            }
            let opened = try await SQLiteCatalog.still(at: folder + "/image")
            let members = try await opened.members()
            #expect(members.isEmpty, "nothing was written back but what made it")
            let (found, lost) = try await (opened.cluster(), catalog.cluster())
            #expect(found == lost, "replicas know it, and that they have seen more than it has")
            let (highest, reached) = try await (
                opened.highestSequence(), catalog.highestSequence()
            )
            #expect(highest < reached)
            try opened.close()
            try catalog.close()
        }
    }

    @Test(arguments: [
        "UPDATE cluster SET clock = 9223372036854775000",
        "UPDATE cluster SET clock = -9000000000000000000",
        "UPDATE cluster SET tick = -1", "UPDATE cluster SET counter = 9223372036854775807",
        // An index that is gone would be missed by nobody until a start takes minutes.
        "DROP INDEX verdict_replica", "DROP INDEX reference_chunk", "DROP TABLE setback",
        // One letter of the text that makes a table: statements that name the column failed as a mistake of depot's.
        """
        PRAGMA writable_schema = ON;
        UPDATE sqlite_master SET sql = replace(sql, 'content INTEGER', 'contenu INTEGER')
            WHERE name = 'reference'
        """,
    ])
    func `figures and parts that no catalog has or lacks are told`(_ sql: String) async throws {
        try await withClosedCatalog { folder, _, _ in
            try edit(folder, sql)
            do {
                let catalog = try await SQLiteCatalog.still(at: folder)
                Issue.record("it was opened")
                try catalog.close()
            } catch let error as DepotError {
                expectTold(error, "\(sql)")
            }
        }
    }

    /// Damage that SQLite cannot see: a manifest that is in use and not known to its end.
    @Test func `nothing is collected where a live file's manifest is not known to its end`()
        async throws
    {
        try await withCatalog { fixture in
            let catalog = try #require(fixture.catalog as? SQLiteCatalog)
            try await CatalogScene().furnish(fixture)
            let stray = try CatalogFixture.chunks(50..<51)
            fixture.advance(CatalogFixture.grace)
            try await catalog.queue.change {
                try $0.database.execute(
                    sql:
                        "UPDATE manifest SET complete = 0 WHERE chunk IN (SELECT manifest FROM file)"
                )
            }
            let before = try await catalog.everything()
            await fixture.expect(.manifestInvalid) { try await catalog.markUnused() }
            await fixture.expect(.manifestInvalid) {
                _ = try await catalog.collectionPlan(grace: .zero)
            }
            await fixture.expect(.manifestInvalid) {
                _ = try await catalog.releaseUnused(
                    stray.map(\.id), for: .zero, on: CatalogFixture.replica(1))
            }
            let after = try await catalog.everything()
            #expect(after == before)
        }
    }

    /// Damage that SQLite cannot see, or a slip elsewhere: notes, years old, that nobody uses what files and a deposit
    /// do use. Use is looked up before anything goes, whatever the note says.
    @Test func `a wrong note that nobody uses a chunk lets nothing go`() async throws {
        try await withCatalog { fixture in
            let catalog = try #require(fixture.catalog as? SQLiteCatalog)
            try await fixture.admit(1...2)
            let on = CatalogFixture.replicas(1...2)
            let (kept, sent) = try (CatalogFixture.chunk("kept"), CatalogFixture.chunk("sent"))
            try await fixture.deposit("file", [kept], on: on)
            let deposit = try await fixture.open(level: 2)
            try await fixture.send([sent], to: on, in: deposit)
            try await catalog.queue.change {
                try $0.database.execute(sql: "UPDATE chunk SET unused = 0")
            }
            let manifest = try CatalogFixture.manifest([kept])
            let listed = try await fixture.ready(on: 1)
            #expect(listed.isEmpty)
            let gone = try await fixture.releaseUnused([kept, sent, manifest], on: 1)
            #expect(gone.isEmpty)
            try await catalog.markUnused()
            let plan = try await catalog.collectionPlan(grace: .zero)
            #expect(plan.unusedChunks == 0)
        }
    }
}
