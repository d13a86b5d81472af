import DepotCore
import Testing

/// What a name was before stays, as long as a policy says, with all that it needs.
extension CatalogConformance {
    public static let versionsKept = Duration.seconds(100)

    /// Of catalogs that keep versions for `versionsKept`.
    public static let versions = [
        CatalogBehaviour("what is replaced stays a version, at its level") { fixture in
            let catalog = fixture.catalog
            try await fixture.admit(1...3)
            let chunks = try CatalogFixture.chunks(0..<2)
            try await fixture.put("f", chunks[0], level: 3, time: 10)
            try await fixture.put("f", chunks[1], level: 1, time: 20)
            let words = try await catalog.versions(of: FileName("f"), before: nil, limit: 9)
            #expect(words.map(\.time) == [20, 10] && words.map(\.isCurrent) == [true, false])
            let old = try #require(words.last)
            guard case .file(let entry) = old.content else {
                Issue.record("the older word is no file")
                return
            }
            #expect(entry.level.copies == 3 && entry.sequence == old.sequence)
            #expect(entry.manifest.chunk == chunks[0])
            #expect(try await fixture.status(chunks[0])?.target == 3)
            #expect(try await fixture.status(chunks[1])?.target == 1)
            // What nobody would keep else is kept, and what would be lost is told.
            try await catalog.markUnused()
            let unused = try await catalog.unused(
                for: CollectionGrace(.zero), on: CatalogFixture.replica(1), after: nil, limit: 9)
            #expect(unused.isEmpty)
            let losses = try await catalog.losses(
                without: CatalogFixture.replicas(1...3), after: nil, limit: 9)
            #expect(losses.map(\.lostChunks) == [2])
            let totals = try await catalog.totals(counting: CatalogFixture.replicas(1...3))
            #expect(totals.files == 1 && totals.versions == 1)
            #expect(totals.versionBytes == UInt64(chunks[0].length))
            #expect(try await catalog.files(using: chunks[0].id, limit: 9).map(\.text) == ["f"])
        },
        CatalogBehaviour("versions go when their time is over, and their chunks with them") {
            fixture in
            let catalog = fixture.catalog
            try await fixture.admit(1...3)
            let chunks = try CatalogFixture.chunks(0..<2)
            try await fixture.put("f", chunks[0], level: 3, time: 10)
            try await fixture.deliver(on: 1...3)
            fixture.advance(.seconds(1_000))
            try await fixture.put("f", chunks[1], level: 3, time: 20)
            try await fixture.deliver(on: 1...3)
            fixture.advance(.seconds(99))
            try await catalog.markUnused()
            #expect(try await catalog.versions(of: FileName("f"), before: nil, limit: 9).count == 2)
            #expect(
                try await catalog.obsoleteRecords(on: CatalogFixture.replica(1), limit: 9).isEmpty)
            fixture.advance(.seconds(2))
            try await catalog.markUnused()
            #expect(try await catalog.versions(of: FileName("f"), before: nil, limit: 9).count == 1)
            let unused = try await catalog.unused(
                for: CollectionGrace(.zero), on: CatalogFixture.replica(1), after: nil, limit: 9)
            #expect(unused == [chunks[0]])
            #expect(
                try await catalog.obsoleteRecords(on: CatalogFixture.replica(1), limit: 9).count
                    == 1)
        },
        CatalogBehaviour("a deleted name comes back as it was, without a copy being made") {
            fixture in
            let catalog = fixture.catalog
            try await fixture.admit(1...3)
            let chunk = try CatalogFixture.chunks(0..<1)[0]
            let name = try FileName("f")
            try await fixture.put("f", chunk, level: 2, time: 10)
            let was = try await catalog.file(name)
            _ = try await catalog.delete(name, time: 20)
            #expect(try await catalog.deletedFiles(prefix: "", after: nil, limit: 9).files == [was])
            try await catalog.markUnused()
            let request = RequestID.random()
            let record = try await catalog.revert(name, to: nil, time: 30, request: request)
            let again = try await catalog.revert(name, to: nil, time: 40, request: request)
            #expect(record == again)
            let file = try await catalog.file(name)
            #expect(file.manifest == was.manifest && file.level == was.level && file.time == 30)
            #expect(try await catalog.deletedFiles(prefix: "", after: nil, limit: 9).files.isEmpty)
            let words = try await catalog.versions(of: name, before: nil, limit: 9)
            #expect(words.map(\.time) == [30, 20, 10])
            #expect(words.map { $0.content == .deleted } == [false, true, false])
            await expectError(.conflict) {
                _ = try await catalog.revert(name, to: nil, time: 50, request: nil)
            }
            await expectError(.notFound) {
                _ = try await catalog.revert(FileName("g"), to: nil, time: 50, request: nil)
            }
        },
        CatalogBehaviour("a name is what it was at an instant, whatever came since") { fixture in
            let catalog = fixture.catalog
            try await fixture.admit(1...3)
            let chunks = try CatalogFixture.chunks(0..<3)
            try await fixture.put("a", chunks[0], level: 1, time: 10)
            try await fixture.put("a", chunks[1], level: 1, time: 20)
            try await fixture.put("b", chunks[0], level: 1, time: 25)
            _ = try await catalog.delete(FileName("a"), time: 30)
            try await fixture.put("a", chunks[2], level: 1, time: 40)
            let file = try await catalog.file(FileName("a"))
            _ = try await catalog.changeLevel(
                of: file.name, expected: file.sequence, to: ReplicationLevel(2), copiesRequired: 1,
                counting: CatalogFixture.replicas(1...3), time: 50)
            // The same once more is no other word.
            try await fixture.put("b", chunks[0], level: 1, time: 60)
            let wanted: [Int64: [String: ChunkReference]] = [
                9: [:], 10: ["a": chunks[0]], 19: ["a": chunks[0]], 20: ["a": chunks[1]],
                29: ["a": chunks[1], "b": chunks[0]], 30: ["b": chunks[0]],
                45: ["a": chunks[2], "b": chunks[0]], 99: ["a": chunks[2], "b": chunks[0]],
            ]
            for (time, files) in wanted {
                var found: [String: ChunkReference] = [:]
                var (after, hasMore): (FileName?, Bool) = (nil, true)
                while hasMore {
                    let page = try await catalog.files(
                        at: time, prefix: "", after: after, limit: 1)
                    for file in page.files { found[file.name.text] = file.manifest.chunk }
                    (after, hasMore) = (page.files.last?.name ?? after, page.hasMore)
                }
                #expect(found == files, "at \(time)")
            }
            #expect(try await catalog.versions(of: FileName("b"), before: nil, limit: 9).count == 1)
            // Of the level before nothing is asked for any more.
            let levels = try await catalog.versions(of: FileName("a"), before: nil, limit: 9)
            #expect(levels.map(\.time) == [50, 40, 30, 20, 10])
            #expect(try await fixture.status(chunks[2])?.target == 2)
        },
        CatalogBehaviour("lowering a level is not held up by the level before") { fixture in
            try await fixture.admit(1...3)
            let chunk = try CatalogFixture.chunks(0..<1)[0]
            try await fixture.put("f", chunk, level: 3, time: 10)
            let file = try await fixture.catalog.file(FileName("f"))
            _ = try await fixture.catalog.changeLevel(
                of: file.name, expected: file.sequence, to: ReplicationLevel(1), copiesRequired: 1,
                counting: CatalogFixture.replicas(1...3), time: 20)
            #expect(try await fixture.status(chunk)?.target == 1)
        },
        CatalogBehaviour("a version is read under a lease, and goes with its purge") { fixture in
            let catalog = fixture.catalog
            try await fixture.admit(1...3)
            let chunks = try CatalogFixture.chunks(0..<2)
            let name = try FileName("f")
            try await fixture.put("f", chunks[0], level: 1, time: 10)
            let was = try await catalog.file(name)
            try await fixture.put("f", chunks[1], level: 1, time: 20)
            try await fixture.deliver(on: 1...3)
            let version = VersionName(name, was.sequence)
            let retrieval = RetrievalID.random()
            let opened = try await catalog.openRetrieval(
                retrieval, of: [version, VersionName(name)], lease: .seconds(60))
            #expect(try opened.map { try $0.get().manifest.chunk } == chunks)
            #expect(try await fixture.purge(name).forgotten == 1)
            #expect(try await fixture.purge(name).forgotten == 0)
            try await catalog.markUnused()
            let held = try await catalog.unused(
                for: CollectionGrace(.zero), on: CatalogFixture.replica(1), after: nil, limit: 9)
            #expect(held.isEmpty)
            try await catalog.closeRetrieval(retrieval)
            try await catalog.markUnused()
            let free = try await catalog.unused(
                for: CollectionGrace(.zero), on: CatalogFixture.replica(1), after: nil, limit: 9)
            #expect(free == [chunks[0]])
            let gone = try await catalog.openRetrieval(.random(), of: [version], lease: .seconds(9))
            guard case .failure(let error) = gone[0] else {
                Issue.record("a version that was purged is opened")
                return
            }
            #expect(error.code == .notFound)
        },
        CatalogBehaviour("a purge is a word that later ones repeat, and takes nothing of these") {
            fixture in
            let catalog = fixture.catalog
            try await fixture.admit(1...3)
            let chunks = try CatalogFixture.chunks(0..<3)
            let name = try FileName("f")
            #expect(try await catalog.purge(name, time: 5, request: nil) == nil)
            for (index, chunk) in chunks.prefix(2).enumerated() {
                try await fixture.put("f", chunk, level: 1, time: Int64(10 * index + 10))
            }
            let purge = try #require(try await catalog.purge(name, time: 25, request: nil))
            #expect(purge.history.purged == purge.sequence && purge.began == 20)
            #expect(try await catalog.purge(name, time: 26, request: nil) == nil)
            try await fixture.put("f", chunks[2], level: 1, time: 30)
            let deletion = try await catalog.delete(name, time: 40)
            #expect(deletion.history.purged == purge.sequence && deletion.history.since == nil)
            #expect(try await catalog.forgetPurged(name).forgotten == 1)
            let left = try await catalog.versions(of: name, before: nil, limit: 9)
            #expect(left.map(\.time) == [40, 30, 20])
            let again = try #require(try await catalog.purge(name, time: 45, request: nil))
            #expect(again.began == 40)
            #expect(try await catalog.forgetPurged(name).forgotten == 2)
        },
        // The names' newest words were in place, so that it looked as if nobody needed the old batch.
        CatalogBehaviour("a batch of which versions were moved stays until these are in place") {
            fixture in
            try await fixture.admit(1...3)
            let names = ["a", "b", "c", "d", "e"]
            let old = try await fixture.depositTogether(names, on: Fixture.replicas(1...3))
            for name in names { try await fixture.replace(name) }
            for name in names[1...] { _ = try await fixture.purge(FileName(name)) }
            try await fixture.deliver(on: 1...3)
            try await fixture.rewrite()
            let moved = try #require(try await fixture.catalog.outbox(limit: 9).first).batch
            #expect(moved.records == [old.records[0]])
            try await fixture.deliver(on: 1...1, isDone: false)
            #expect(try await !fixture.obsolete(on: 2).contains(old.id))
            try await fixture.deliver(on: 1...3)
            #expect(try await fixture.obsolete(on: 2).contains(old.id))
        },
        CatalogBehaviour("a list of the past goes on behind many names of which there is nothing") {
            fixture in
            try await fixture.admit(1...3)
            let names = (0..<1_050).map { "name\($0 + 10_000)" }
            for part in [names[..<512], names[512..<1_024], names[1_024...]] {
                _ = try await fixture.depositTogether(
                    Array(part), on: CatalogFixture.replicas(1...1))
            }
            try await fixture.put("z", CatalogFixture.chunk("z"), level: 1, time: 0)
            var (found, after, pages) = ([String](), nil as FileName?, 0)
            while pages < 9 {
                let page = try await fixture.catalog.files(
                    at: 0, prefix: "", after: after, limit: 10)
                found += page.files.map(\.name.text)
                pages += 1
                guard page.hasMore else { break }
                after = try #require(page.next ?? page.files.last?.name)
            }
            #expect(found == ["z"] && pages == 2)
        },
        CatalogBehaviour("a purge asked for again takes nothing that came since") { fixture in
            let catalog = fixture.catalog
            try await fixture.admit(1...3)
            let chunks = try CatalogFixture.chunks(0..<2)
            let name = try FileName("f")
            try await fixture.put("f", chunks[0], level: 1, time: 10)
            let request = RequestID.random()
            let purge = try await catalog.purge(name, time: 20, request: request)
            try await fixture.put("f", chunks[1], level: 1, time: 30)
            #expect(try await catalog.purge(name, time: 40, request: request) == purge)
            #expect(try await catalog.forgetPurged(name).forgotten == 0)
        },
    ]
}

extension CatalogFixture {
    fileprivate func replace(_ name: String) async throws {
        try await put(name, Self.chunk("new \(name)"), level: 1, time: 20)
    }

    /// A whole deposit of a file that is one chunk, which all three replicas have.
    func put(
        _ name: String, _ chunk: ChunkReference, level: Int, time: Int64
    ) async throws {
        let deposit = try await open(level: level)
        try await send([chunk], to: Self.replicas(1...3), in: deposit)
        _ = try await outcome(
            Self.commit(name, only: chunk), in: deposit, copies: level, time: time
        ).receipt
        try await catalog.closeDeposit(deposit)
    }
}
