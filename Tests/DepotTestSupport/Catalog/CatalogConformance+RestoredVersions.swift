import DepotCore
import Testing

/// What names were, what is locked of it and what was purged, in a catalog that is filled from replicas.
extension CatalogConformance {
    /// For a catalog that was made for a rebuild.
    public static let partialRetention = [
        CatalogBehaviour("locks and policies come back with the records that say them") {
            fixture in
            let catalog = fixture.catalog
            try await fixture.admit(1...3)
            for number in 0...1 { try await fixture.restoreManifest(number) }
            let old = try await fixture.file("f", 1, 1, 0)
            guard case .file(_, let manifest, _, _) = old.content else { return }
            let start = Fixture.calendarStart
            let locks = try ContentLocks([
                manifest.id: #require(ContentLock(until: start + 100, isHeld: false))
            ])
            var notes = FileMetadata()
            notes.annotations = try VersionPolicy(days: 0, last: 1).annotations
            let now = try await fixture.file("f", 1, 2, 1)
            let words = [
                old,
                FileRecord(
                    cluster: old.cluster, name: old.name, sequence: now.sequence, time: 2,
                    content: now.content, history: NameHistory(locks: locks)),
                FileRecord(
                    cluster: old.cluster, name: try PolicyScope(prefix: "g").recordName,
                    sequence: CommitSequence(epoch: 1, counter: 3), time: 2,
                    content: .file(level: .one, manifest: .empty, size: 0, metadata: notes)),
            ]
            try await fixture.restore(words, on: 1...3)
            _ = try await fixture.restoreVersions([old])
            try await catalog.finishRebuild(missing: [])
            #expect(try await catalog.policies().entries.map { $0.scope.root?.text } == ["g"])
            fixture.setCalendar(start + 1 << 30)
            fixture.advance(.seconds(99))
            #expect(try await fixture.purge(old.name) == PurgedVersions(forgotten: 0, locked: 1))
            fixture.advance(.seconds(1))
            #expect(try await fixture.purge(old.name) == PurgedVersions(forgotten: 1, locked: 0))
        },
        CatalogBehaviour("what was purged does not come back, but for what is locked") { fixture in
            try await fixture.admit(1...3)
            for number in 0...2 { try await fixture.restoreManifest(number) }
            var words: [FileRecord] = []
            for number in 0...2 {
                words.append(try await fixture.file("f", 1, UInt64(number) + 1, number))
            }
            guard case .file(_, let manifest, _, _) = words[0].content else { return }
            let purge = FileRecord(
                cluster: words[0].cluster, name: words[0].name,
                sequence: CommitSequence(epoch: 1, counter: 9), time: 9, content: words[2].content,
                history: NameHistory(
                    locks: try ContentLocks([
                        manifest.id: #require(ContentLock(until: nil, isHeld: true))
                    ]), purged: CommitSequence(epoch: 1, counter: 4)))
            // What came before the record that says so goes with it.
            try await fixture.restore([words[1]], on: 1...3)
            #expect(try await fixture.restoreVersions([words[0]]) == 1)
            try await fixture.restore([purge], on: 1...3)
            #expect(try await fixture.restoreVersions(words) == 0)
            let found = try await fixture.catalog.versions(
                of: purge.name, before: nil, limit: 9)
            #expect(found.map(\.sequence) == [purge.sequence, words[0].sequence])
        },
        CatalogBehaviour("what a word locks that cannot be taken over is locked by the next one") {
            fixture in
            try await fixture.admit(1...3)
            try await fixture.restoreManifest(0)
            let words = try await fixture.lockedWords()
            // Of the newest word chunks are missing, so that the first one stands in for it.
            try await fixture.restore([words.older[1]], on: 1...3)
            let newest = RecordBatch(words.newest)
            try await fixture.catalog.enter([newest], on: Fixture.replica(1))
            try await fixture.catalog.leaveUnexplained([
                RecordAddress(batch: newest.id, index: 0)
            ])
            try await fixture.catalog.finishRebuild(missing: [])
            try await fixture.put("f", Fixture.chunk("new"), level: 1, time: 20)
            let found = try await fixture.catalog.versions(
                of: words.newest.name, before: nil, limit: 9)
            #expect(found.map { $0.lock != nil } == [false, true])
        },
        CatalogBehaviour("what is locked comes back, though it was purged") { fixture in
            try await fixture.admit(1...3)
            for number in 0...2 { try await fixture.restoreManifest(number) }
            let words = try await fixture.lockedWords()
            let purge = FileRecord(
                cluster: words.newest.cluster, name: words.newest.name,
                sequence: CommitSequence(epoch: 1, counter: 9), time: 9,
                content: words.newest.content,
                history: NameHistory(
                    locks: words.newest.locks, purged: CommitSequence(epoch: 1, counter: 9)))
            try await fixture.restore([purge], on: 1...3)
            #expect(try await fixture.restoreVersions(words.older) == 1)
            let found = try await fixture.catalog.versions(
                of: purge.name, before: nil, limit: 9)
            #expect(found.map(\.sequence) == [purge, words.older[1]].map(\.sequence))
        },
        CatalogBehaviour("what is locked comes back, though its policy keeps nothing") { fixture in
            try await fixture.admit(1...3)
            for number in 0...2 { try await fixture.restoreManifest(number) }
            let words = try await fixture.lockedWords()
            try await fixture.restore([words.policy, words.newest], on: 1...3)
            #expect(try await fixture.restoreVersions(words.older) == 2)
            try await fixture.catalog.finishRebuild(missing: [])
            try await fixture.catalog.markUnused()
            let found = try await fixture.catalog.versions(
                of: words.newest.name, before: nil, limit: 9)
            #expect(found.map(\.sequence) == [words.newest, words.older[1]].map(\.sequence))
        },
        CatalogBehaviour("what a name says it says since it said so first") { fixture in
            try await fixture.admit(1...3)
            for number in 0...1 { try await fixture.restoreManifest(number) }
            let old = try await fixture.file("f", 1, 1, 0)
            let content = try await fixture.file("f", 1, 2, 1).content
            let first = FileRecord(
                cluster: old.cluster, name: old.name,
                sequence: CommitSequence(epoch: 1, counter: 2), time: 10, content: content)
            let again = FileRecord(
                cluster: old.cluster, name: old.name,
                sequence: CommitSequence(epoch: 1, counter: 3), time: 1_000, content: first.content,
                history: NameHistory(since: first.time))
            try await fixture.restore([again], on: 1...3)
            // The one that said so first is no other word.
            #expect(try await fixture.restoreVersions([old, first]) == 1)
            let words = try await fixture.catalog.versions(of: old.name, before: nil, limit: 9)
            #expect(words.map(\.time) == [first.time, old.time])
            let then = try await fixture.catalog.files(
                at: first.time, prefix: "", after: nil, limit: 9)
            #expect(then.files.map(\.sequence) == [again.sequence])
        },
    ]
}

extension CatalogFixture {
    /// Enters records, each alone, and makes them words that names said before.
    fileprivate func restoreVersions(_ records: [FileRecord]) async throws -> Int {
        let batches = records.map { RecordBatch($0) }
        for replica in Self.replicas(1...3) { try await catalog.enter(batches, on: replica) }
        return try await catalog.restoreVersions(
            batches.map { RecordAddress(batch: $0.id, index: 0) })
    }

    /// A name that was three files, of which the newest word locks the first, and the policy that keeps
    /// nothing of it.
    fileprivate func lockedWords() async throws
        -> (policy: FileRecord, newest: FileRecord, older: [FileRecord])
    {
        let first = try await file("f", 1, 1, 0)
        let second = try await file("f", 1, 2, 1)
        let content = try #require(first.contentID)
        let lock = try ContentLocks([content: #require(ContentLock(until: nil, isHeld: true))])
        let newest = FileRecord(
            cluster: first.cluster, name: first.name,
            sequence: CommitSequence(epoch: 1, counter: 3), time: 9,
            content: try await file("f", 1, 3, 2).content, history: NameHistory(locks: lock))
        var notes = FileMetadata()
        notes.annotations = try VersionPolicy(days: 0, last: 0).annotations
        let policy = FileRecord(
            cluster: first.cluster, name: try PolicyScope(prefix: "f").recordName,
            sequence: CommitSequence(epoch: 1, counter: 4), time: 9,
            content: .file(level: .one, manifest: .empty, size: 0, metadata: notes))
        return (policy, newest, [second, first])
    }
}
