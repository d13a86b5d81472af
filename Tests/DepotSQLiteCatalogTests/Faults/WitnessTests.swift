import DepotCore
import DepotTestSupport
import FoundationEssentials
import GRDB
import Testing

@testable import DepotSQLiteCatalog

/// Damage that no checksum tells, because it was there when the page was written: memory that flips bits, a slip in depot or in
/// SQLite. Nothing is served under a name, and nothing is let go, on the word of one page.
@Suite struct WitnessTests {
    private func withClosed(
        _ body: (_ folder: String, _ whole: [String]) async throws -> Void
    ) async throws {
        try await withFolder { folder in
            let catalog = try await CatalogScene().make(for: CatalogScene.steps[0], in: folder)
            let fixture = CatalogFixture(catalog: catalog) { _ in }
            try await fixture.deposit(
                "other", CatalogFixture.chunks(70..<74), on: CatalogFixture.replicas(1...3),
                level: 2)
            try await fixture.deliver(on: 1...2)
            let whole = try await catalog.everything()
            try catalog.close()
            try await body(folder, whole)
        }
    }

    private func edit(_ folder: String, _ sql: String) throws {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        let database = try DatabaseQueue(
            path: CatalogPages.file(folder).path, configuration: configuration)
        try database.write { try $0.execute(sql: sql) }
        try database.close()
    }

    private func expectTold(_ error: DepotError?, _ when: Comment? = nil) {
        #expect(error?.code == .storeFailed, when)
        #expect(error?.message.contains("'depot rebuild-catalog'") == true, when)
    }

    @Test(arguments: [
        "file SET manifest = (SELECT manifest FROM file WHERE name = 'other')",
        "file SET manifest = 0", "file SET size = size + 1", "file SET level = 1",
        "file SET counter = counter + 1", "file SET epoch = 2", "file SET time = 1",
        "file SET record = (SELECT record FROM file WHERE name = 'other')",
        "record SET text = replace(text, '\"mode\":420', '\"mode\":511')",
        "record SET text = x'7b'", "record SET hash = zeroblob(32)",
        "line SET text = replace(text, '\"level\":2', '\"level\":1')",
        "line SET text = x'7b'", "line SET text = x''", "line SET hash = zeroblob(32)",
        "line SET id = id + 4711",
        "file SET record = 4711", "file SET manifest = 4711",
    ])
    func `a row that its record contradicts is told, and nothing is served by it`(
        _ change: String
    ) async throws {
        try await withClosed { folder, _ in
            // The record of one of them is alone, that of the other one of several.
            let name = change.hasPrefix("line") ? "z" : "kept"
            try edit(folder, "UPDATE \(change) WHERE name = '\(name)'")
            let catalog = try await SQLiteCatalog.still(at: folder)
            defer { do { try catalog.close() } catch { Issue.record("\(error)") } }
            let kept = try FileName(name)
            expectTold(await thrown { _ = try await catalog.file(kept) })
            expectTold(
                await thrown {
                    let found = try await catalog.openRetrieval(
                        .random(), of: [kept], lease: CatalogFixture.lease)
                    _ = try found[0].get()
                })
            expectTold(
                await thrown { _ = try await catalog.files(prefix: "", after: nil, limit: 9) })
            // Whoever waits for it hears of it, and nothing more is promised or let go.
            let told = await withTaskGroup(of: DepotError?.self) { group in
                group.addTask { await catalog.damage() }
                group.addTask {
                    try? await Task.sleep(for: .seconds(20))
                    return nil
                }
                defer { group.cancelAll() }
                return await group.next() ?? nil
            }
            #expect(told != nil)
            expectTold(
                await thrown { _ = try await catalog.delete(FileName("other"), time: 1) })
            expectTold(await thrown { try await catalog.markUnused() })
            let other = try await catalog.openRetrieval(
                .random(), of: [FileName("other")], lease: CatalogFixture.lease)
            #expect(try other[0].get().level.copies == 2, "reading goes on")
        }
    }

    /// Nothing was left of it that said something: it would have gone from all replicas.
    @Test(arguments: [
        "DELETE FROM line WHERE name = 'z'", "UPDATE line SET record = 4711 WHERE name = 'z'",
        "UPDATE record SET lines = 2 WHERE lines = 3",
        "UPDATE record SET line = line + 1 WHERE lines = 3",
        "UPDATE record SET line = 4711 WHERE lines = 3",
    ])
    func `a batch of which lines are lost does not go`(_ change: String) async throws {
        try await withClosed { folder, _ in
            try edit(folder, change)
            let catalog = try await SQLiteCatalog.still(at: folder)
            defer { do { try catalog.close() } catch { Issue.record("\(error)") } }
            let fixture = CatalogFixture(catalog: catalog) { _ in }
            try await fixture.deliver(on: 1...3)
            for number in 1...2 as ClosedRange<UInt8> {
                let obsolete = try await fixture.obsolete(on: number)
                let names = try await catalog.names(ofRecords: obsolete.sorted())
                #expect(names.allSatisfy { $0.count == 1 }, "\(names)")
            }
        }
    }

    /// `isUsed` looked into one index, which nobody compared with its table: one bit there, and a collection deleted all
    /// copies of a live file's chunk.
    @Test(arguments: [
        "reference_chunk", "file_manifest", "pin_page", "pin_page_deposit",
        "record_holding_replica", "file_record",
    ])
    func `an index that its table contradicts lets nothing go`(_ index: String) async throws {
        try await withClosed { folder, _ in
            let root = try CatalogPages.rootPage(of: index, in: folder)
            let pages = try CatalogPages(folder)
            let content =
                Int(pages.page(root)[(root - 1) * 4_096 + 5]) << 8
                | Int(pages.page(root)[(root - 1) * 4_096 + 6])
            let live = try await live(in: folder)
            var told = 0
            for byte in (root - 1) * 4_096 + content..<root * 4_096 - 8 {
                var damaged = pages.flipping(byte % 8, of: byte)
                damaged.seal(root)
                try damaged.write(to: folder)
                do {
                    // One that is large is opened without looking at all of it.
                    let catalog = try await SQLiteCatalog.open(
                        at: folder, clock: ManualClock().clock, checkedMax: ByteCount(0))
                    defer { do { try catalog.close() } catch { Issue.record("\(error)") } }
                    let error = await thrown {
                        try await catalog.markUnused()
                        for number in 1...3 as ClosedRange<UInt8> {
                            let gone = try await catalog.releaseUnused(
                                live, for: .zero, on: CatalogFixture.replica(number))
                            #expect(gone.isEmpty, "\(index), byte \(byte)")
                        }
                    }
                    if let error { expectTold(error, "\(index), byte \(byte)") }
                    told += error == nil ? 0 : 1
                } catch let error as DepotError {
                    expectTold(error, "\(index), byte \(byte)")
                    told += 1
                }
            }
            #expect(told > 0)
        }
    }

    /// The index by which a hash is found names the row of a chunk that nobody uses.
    /// A row of a lock is compared with the newest record of its name before anything of that goes.
    @Test(arguments: [
        "DELETE FROM lock", "UPDATE lock SET held = 0, until = 1, deadline = 0",
        "UPDATE lock SET content = zeroblob(32)", "UPDATE lock SET name = 'kept'",
        "UPDATE tombstone SET record = (SELECT min(record) FROM file) WHERE name = 'held'",
    ])
    func `nothing of a name goes whose locks its record contradicts`(_ change: String) async throws
    {
        try await withFolder { folder in
            let step = try #require(CatalogScene.steps.first { $0.name == "lock" })
            let scene = try await CatalogScene().make(for: step, in: folder)
            try scene.close()
            try edit(folder, change)
            let catalog = try await SQLiteCatalog.open(
                at: folder, clock: ManualClock().clock, versions: .usual)
            defer { do { try catalog.close() } catch { Issue.record("\(error)") } }
            let held = try FileName("held")
            expectTold(await thrown { try await catalog.forgetVersions(keptFor: .zero) })
            expectTold(
                await thrown {
                    _ = try await catalog.purge(held, time: 9, request: nil)
                    _ = try await catalog.forgetPurged(held)
                })
            let words = try await catalog.versions(of: held, before: nil, limit: 9)
            #expect(words.count == 2)
        }
    }

    @Test func `a hash that leads to the row of another chunk lets nothing go`() async throws {
        try await withClosed { folder, _ in
            let root = try CatalogPages.rootPage(of: "sqlite_autoindex_chunk_1", in: folder)
            var pages = try CatalogPages(folder)
            let content = Array(pages.page(root))
            let (live, stray) = try (
                CatalogFixture.chunks(0..<1)[0], CatalogFixture.chunks(50..<51)[0]
            )
            // A row's number follows its hash.
            func place(of chunk: ChunkReference) throws -> Int {
                let found = try #require(
                    (0..<content.count - 33).first {
                        content[$0..<$0 + 32].elementsEqual(chunk.id.bytes)
                    })
                return (root - 1) * CatalogPages.size + found + 32
            }
            let (first, second) = try (place(of: live), place(of: stray))
            pages.bytes.swapAt(first, second)
            pages.seal(root)
            try pages.write(to: folder)
            let catalog = try await SQLiteCatalog.open(
                at: folder, clock: ManualClock().clock, checkedMax: ByteCount(0))
            defer { do { try catalog.close() } catch { Issue.record("\(error)") } }
            try await catalog.markUnused()
            let replica = CatalogFixture.replica(1)
            let listed = try await catalog.unused(for: .zero, on: replica, after: nil, limit: 9)
            #expect(listed.contains(stray), "its row is as it was")
            expectTold(
                await thrown {
                    _ = try await catalog.releaseUnused([live.id], for: .zero, on: replica)
                })
        }
    }

    /// Chunks that files and leases use.
    private func live(in folder: String) async throws -> [ChunkID] {
        let catalog = try await SQLiteCatalog.still(at: folder)
        defer { do { try catalog.close() } catch { Issue.record("\(error)") } }
        let all = try CatalogFixture.chunks(0..<74).map(\.id)
        return zip(all, try await catalog.statuses(of: all)).filter { ($1?.target ?? 0) > 0 }.map(
            \.0)
    }

    @Test func `indexes and tables that agree are no damage`() async throws {
        try await withClosed { folder, _ in
            let catalog = try await SQLiteCatalog.still(at: folder)
            try await catalog.queue.view { session in
                try IndexWitness.require(session)
                for part in IndexWitness.parts {
                    let ways = try [part.listed, part.there].map { sql in
                        try Row.fetchAll(session.database, sql: "EXPLAIN QUERY PLAN \(sql)")
                            .map { $0["detail"] as String }
                    }
                    #expect(ways[0] == ["SCAN \(part.table) USING COVERING INDEX \(part.index)"])
                    #expect(ways[1] == ["SCAN \(part.table)"], "the table itself")
                }
            }
            #expect(catalog.queue.damage.found == nil)
            try catalog.close()
        }
    }
}
