import DepotCore
import Testing

extension CatalogConformance {
    private static let names = [
        "a", "a%b", "a%c", "a/1", "a/2", "a0", "aXb", "a_b", "b", "b/\u{e9}", "b/e\u{301}",
        "z\u{10ffff}",
        "zz", "\u{10ffff}",
        // No paths.
        "/", "..", "a/", "a//1", "a/../b", "b/\n", "\u{1}", "\u{7f}",
    ]

    static let files: [CatalogBehaviour] = [
        CatalogBehaviour("names come in order of their bytes, by prefix, page by page") { fixture in
            try await fixture.admit(1...1)
            for name in names.shuffled() {
                try await fixture.deposit(
                    name, Fixture.chunks(0..<1), on: Fixture.replicas(1...1))
            }
            let prefixes = [
                "", "a", "a%", "a_", "a/", "b/e", "b/\u{e9}", "z", "zz", "zzz", "\u{10ffff}", "A",
            ]
            for prefix in prefixes {
                let expected = try names.filter { $0.utf8.starts(with: prefix.utf8) }
                    .map { try FileName($0) }.sorted()
                for page in [1, 2, 100] {
                    let found = try await fixture.names(prefix: prefix, page: page)
                    #expect(found == expected, "'\(prefix)' in pages of \(page)")
                }
            }
            let behind = try await fixture.catalog.files(
                prefix: "a", after: FileName("b"), limit: 5)
            #expect(behind.files.isEmpty && !behind.hasMore)
            let before = try await fixture.catalog.files(
                prefix: "b", after: FileName("a"), limit: 1)
            #expect(before.files.map(\.name.text) == ["b"])
        },
        CatalogBehaviour("a page has a size") { fixture in
            await fixture.expect(.invalidArgument) {
                _ = try await fixture.catalog.files(prefix: "", after: nil, limit: 0)
            }
        },
        CatalogBehaviour("a deletion leaves a tombstone that is newer, and a name to use again") {
            fixture in
            let chunk = try await fixture.oneFile()
            let name = try FileName("file")
            let file = try await fixture.catalog.file(name)
            let record = try await fixture.catalog.delete(name, time: 8)
            #expect(try record.content == .deleted(level: ReplicationLevel(3)))
            #expect(record.sequence > file.sequence)
            #expect(record.time == 8)
            await fixture.expect(.notFound) { _ = try await fixture.catalog.file(name) }
            await fixture.expect(.notFound) { _ = try await fixture.catalog.delete(name, time: 9) }
            let listed = try await fixture.names(prefix: "", page: 10)
            #expect(listed.isEmpty)
            let target = try await fixture.status(chunk)?.target
            #expect(target == 0)
            let last = try await fixture.catalog.outbox(limit: 10).last?.record
            #expect(last == record)
            let again = try await fixture.deposit("file", [chunk], on: Fixture.replicas(1...3))
            #expect(again.sequence > record.sequence)
            #expect(again.newChunks == 0)
            let deletedAgain = try await fixture.catalog.delete(name, time: 9)
            #expect(deletedAgain.sequence > again.sequence)
        },
        CatalogBehaviour("a change of a name that is not as expected is not made") { fixture in
            let chunk = try await fixture.oneFile()
            let file = try await fixture.catalog.file(FileName("file"))
            let another = CommitSequence(
                epoch: file.sequence.epoch, counter: file.sequence.counter + 1)
            for expected in [FileExpectation.absence, .version(another)] {
                await fixture.expect(.conflict) {
                    _ = try await fixture.catalog.delete(file.name, expected: expected, time: 1)
                }
                let outcome = try await fixture.commit("file", [chunk], expecting: expected)
                #expect(outcome == .overtaken)
            }
            let newer = try await fixture.commit(
                "file", [chunk], expecting: .version(file.sequence))
            #expect(newer != .overtaken)
            let fresh = try await fixture.commit("fresh", [chunk], expecting: .absence)
            #expect(fresh != .overtaken)
            let now = try await fixture.catalog.file(file.name)
            #expect(now.sequence > file.sequence)
            _ = try await fixture.catalog.delete(
                file.name, expected: .version(now.sequence), time: 2)
            let gone = try await fixture.commit("file", [chunk], expecting: .version(now.sequence))
            #expect(gone == .overtaken)
        },
        CatalogBehaviour("a level changes if nothing else was committed, and by a record") {
            fixture in
            let chunk = try await fixture.oneFile()
            let file = try await fixture.catalog.file(FileName("file"))
            let record = try await fixture.changeLevel(file, to: 2, copies: 2)
            let changed = try await fixture.catalog.file(file.name)
            #expect(changed.level.copies == 2)
            #expect(changed.sequence == record.sequence && record.sequence > file.sequence)
            #expect(changed.manifest == file.manifest && changed.metadata == file.metadata)
            let target = try await fixture.status(chunk)?.target
            #expect(target == 2)
            let last = try await fixture.catalog.outbox(limit: 10).last?.record
            #expect(last == record)
            await fixture.expect(.conflict) {
                _ = try await fixture.changeLevel(file, to: 3, copies: 1)
            }
            await fixture.expect(.notEnoughReplicas) {
                _ = try await fixture.changeLevel(changed, to: 4, copies: 4)
            }
            let unchanged = try await fixture.catalog.file(file.name)
            #expect(unchanged == changed)
            _ = try await fixture.catalog.delete(file.name, time: 1)
            await fixture.expect(.notFound) {
                _ = try await fixture.changeLevel(changed, to: 1, copies: 1)
            }
        },
    ]

    static let records: [CatalogBehaviour] = [
        CatalogBehaviour("records wait in the order of commits until they are where they belong") {
            fixture in
            try await fixture.admit(1...3)
            for name in ["a", "b", "a"] {
                try await fixture.deposit(
                    name, Fixture.chunks(0..<1), on: Fixture.replicas(1...2))
            }
            var outbox = try await fixture.catalog.outbox(limit: 2)
            #expect(outbox.map(\.record.name.text) == ["a", "b"])
            #expect(outbox.allSatisfy { $0.confirmed.isEmpty })
            let later = try await fixture.catalog.outbox(after: outbox[1].position, limit: 2)
            let end = try await fixture.catalog.outboxEnd()
            #expect(later.map(\.record.name.text) == ["a"] && later[0].position == end)
            let behind = try await fixture.catalog.outbox(after: end, limit: 2)
            #expect(behind.isEmpty && outbox[0].position < outbox[1].position)
            let first = outbox[0].record.encoded().id.hash
            try await fixture.catalog.confirm([
                RecordConfirmation(batch: first, on: [Fixture.replica(1)], isDone: false)
            ])
            try await fixture.catalog.confirm([
                RecordConfirmation(
                    batch: first, on: [Fixture.replica(1), Fixture.replica(3)], isDone: false)
            ])
            outbox = try await fixture.catalog.outbox(limit: 10)
            #expect(outbox.count == 3)
            #expect(outbox[0].confirmed == [Fixture.replica(1), Fixture.replica(3)])
            try await fixture.catalog.confirm([
                RecordConfirmation(batch: first, on: [], isDone: true)
            ])
            try await fixture.catalog.confirm([
                RecordConfirmation(batch: first, on: [], isDone: true)
            ])
            outbox = try await fixture.catalog.outbox(limit: 10)
            #expect(outbox.map(\.record.name.text) == ["b", "a"])
            try await fixture.catalog.confirm([
                RecordConfirmation(batch: ChunkID(hashing: "unknown"), on: [], isDone: true)
            ])
        }
    ]
}

extension CatalogFixture {
    func names(prefix: String, page: Int) async throws -> [FileName] {
        var names: [FileName] = []
        while true {
            let next = try await catalog.files(prefix: prefix, after: names.last, limit: page)
            names += next.files.map(\.name)
            if !next.hasMore { return names }
        }
    }

    func commit(
        _ name: String, _ chunks: [ChunkReference], expecting expected: FileExpectation
    ) async throws -> CommitOutcome {
        let deposit = try await open(level: 3)
        try await prepare(chunks, on: Self.replicas(1...3), in: deposit)
        var file = try Self.commit(name, chunks)
        file.expected = expected
        let outcome = try await outcome(file, in: deposit, copies: 3)
        try await catalog.closeDeposit(deposit)
        return outcome
    }

    func changeLevel(_ file: FileEntry, to level: Int, copies: Int) async throws -> FileRecord {
        try await catalog.changeLevel(
            of: file.name, expected: file.sequence, to: ReplicationLevel(level),
            copiesRequired: copies, counting: Self.replicas(1...9), time: 6)
    }
}
