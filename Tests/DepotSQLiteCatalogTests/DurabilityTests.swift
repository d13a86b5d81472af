import DepotCore
import DepotTestSupport
import FoundationEssentials
import GRDB
import Testing

@testable import DepotSQLiteCatalog

@Suite struct DurabilityTests {
    /// Database and log are copied as a power cut would leave them; the log is also cut anywhere.
    @Test func `after a crash the catalog is as some commit left it`() async throws {
        try await withFolder { folder in
            let catalog = try await SQLiteCatalog.open(at: folder + "/live")
            let fixture = CatalogFixture(catalog: catalog) { _ in }
            try await fixture.admit(1...2)
            var acknowledged: [Receipt] = []
            for number in 0..<12 {
                acknowledged.append(
                    try await fixture.deposit(
                        "file \(100 + number)",
                        CatalogFixture.chunks(number * 3..<number * 3 + 5),
                        on: CatalogFixture.replicas(1...2)))
                guard number % 4 == 3 else { continue }
                try await expectImage(of: folder, cut: nil, is: acknowledged, atLeast: number + 1)
            }
            var random = SeededGenerator(seed: 7)
            let size = try Data(contentsOf: log(folder + "/live")).count
            for _ in 0..<25 {
                let cut = Int.random(in: 0..<size, using: &random)
                try await expectImage(of: folder, cut: cut, is: acknowledged, atLeast: 0)
            }
            // Still open until here: nothing was checkpointed by closing.
            try catalog.close()
        }
    }

    private func log(_ folder: String) -> URL {
        URL(fileURLWithPath: folder + "/" + SQLiteCatalog.fileName + "-wal")
    }

    private func expectImage(
        of folder: String, cut: Int?, is acknowledged: [Receipt], atLeast: Int
    ) async throws {
        let image = folder + "/image"
        try FileManager.default.createDirectory(
            atPath: image, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: image) }
        let name = "/" + SQLiteCatalog.fileName
        try FileManager.default.copyItem(atPath: folder + "/live" + name, toPath: image + name)
        var bytes = try Data(contentsOf: log(folder + "/live"))
        if let cut { bytes = bytes.prefix(cut) }
        try bytes.write(to: log(image))
        let catalog = try await SQLiteCatalog.open(at: image)
        try await expectWhole(catalog, acknowledged, atLeast, "cut at \(cut ?? bytes.count)")
        try catalog.close()
    }

    private func expectWhole(
        _ catalog: SQLiteCatalog, _ acknowledged: [Receipt], _ atLeast: Int, _ when: Comment
    ) async throws {
        let files = try await catalog.files(prefix: "", after: nil, limit: 100).files
        #expect(files.count >= atLeast, when)
        #expect(files.map(\.name) == acknowledged.prefix(files.count).map(\.name), when)
        let highest = try await catalog.highestSequence()
        #expect(highest.counter == UInt64(files.count), when)
        let outbox = try await catalog.outbox(limit: 100)
        #expect(outbox.map(\.record.name) == files.map(\.name), when)
        for (file, receipt) in zip(files, acknowledged) {
            let kept = try await catalog.receipt(of: file.name, deposit: receipt.deposit)
            #expect(kept == receipt, when)
            let used = try await catalog.chunks(of: file.manifest, after: nil, limit: 100)
            #expect(used.count == 6 && used.allSatisfy { $0.good.count == 2 }, when)
        }
    }

    @Test func `changes that wait are committed together, and a refused one takes none along`()
        async throws
    {
        try await withCatalog { fixture in
            try await fixture.admit(1...2)
            let deposit = try await fixture.open(level: 1)
            let before = try await fixture.catalog.mark()
            let refused = await withTaskGroup(of: Bool.self) { group in
                for number in 0..<300 {
                    group.addTask {
                        do {
                            // Every third is refused at its second chunk, or at its first.
                            let holder = CatalogFixture.replica(number % 3 == 0 ? 9 : 2)
                            let durable = try [
                                CatalogFixture.chunk("fresh \(number)"): CatalogFixture.replicas(
                                    1...1), CatalogFixture.chunk("other \(number)"): [holder],
                            ]
                            try await fixture.catalog.prove(
                                BarrierProof(durable: durable), asOf: before, deposit: deposit)
                            return false
                        } catch {
                            return (error as? DepotError)?.code == .notFound
                        }
                    }
                }
                return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(refused == 100)
            for number in 0..<300 {
                let fresh = try await fixture.status(CatalogFixture.chunk("fresh \(number)"))
                #expect((fresh == nil) == (number % 3 == 0))
            }
            let after = try await fixture.catalog.mark()
            #expect(after.value - before.value < 300, "in fewer transactions than changes")
        }
    }

    @Test func `a full disk is told, and leaves everything as it was`() async throws {
        try await withCatalog { fixture in
            try await fixture.admit(1...2)
            let catalog = try #require(fixture.catalog as? SQLiteCatalog)
            let deposit = try await fixture.open(level: 2)
            try await catalog.queue.change {
                let pages = try Int.fetchOne($0.database, sql: "PRAGMA page_count") ?? 0
                try $0.database.execute(sql: "PRAGMA max_page_count = \(pages + 2)")
            }
            let chunks = try CatalogFixture.chunks(0..<5_000)
            let send = {
                try await fixture.send(chunks, to: CatalogFixture.replicas(1...1), in: deposit)
            }
            let full = await thrown { try await send() }
            #expect(full?.code == .storageFull)
            let status = try await fixture.status(chunks[0])
            #expect(status == nil)
            try await catalog.queue.change {
                try $0.database.execute(sql: "PRAGMA max_page_count = 1000000")
            }
            try await send()
            let sent = try await catalog.copies(of: chunks.map(\.id))
            #expect(sent.allSatisfy { $0?.good.count == 1 })
        }
    }

    /// What SQLite holds in memory is then not known to be what the disk holds.
    @Test func `after an I/O error the catalog takes no changes, and still answers`() async throws {
        try await withCatalog { fixture in
            let catalog = try #require(fixture.catalog as? SQLiteCatalog)
            let failure = await thrown {
                try await catalog.queue.change { _ in
                    throw DatabaseError(resultCode: .SQLITE_IOERR_FSYNC)
                }
            }
            #expect(failure?.code == .storeFailed)
            let refused = await thrown { _ = try await fixture.open(level: 1) }
            #expect(refused?.code == .storeFailed)
            let members = try await catalog.members()
            #expect(members.isEmpty)
        }
    }

    @Test func `a caller that was cancelled gets its answer all the same`() async throws {
        try await withCatalog { fixture in
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await fixture.open(level: 1)
            }
            let deposit = try await task.value
            let level = try await fixture.catalog.depositLevel(deposit)
            #expect(level.copies == 1)
        }
    }

    @Test func `the embedded catalog keeps 63 members`() async throws {
        try await withCatalog { fixture in
            try await fixture.admit(1...63)
            let error = await thrown { try await fixture.admit(64...64) }
            #expect(error?.code == .tooLarge)
            // The last one's copies count as any other's.
            let receipt = try await fixture.deposit(
                "file", CatalogFixture.chunks(0..<2), on: CatalogFixture.replicas(62...63))
            #expect(receipt.copies == 2)
        }
    }
}
