import DepotCore
import Testing

/// What is locked does not go, and policies say for how long the rest is kept.
extension CatalogConformance {
    /// Of catalogs that keep versions for `versionsKept`.
    public static let retention = [
        CatalogBehaviour("what is locked outlives its policy, its deletion and every purge") {
            fixture in
            let catalog = fixture.catalog
            let chunks = try await fixture.startLocking()
            let name = try FileName("f")
            let locked = try await catalog.lock(
                VersionName(name), LockChange(until: Fixture.calendarStart + 1_000, isHeld: nil),
                time: 15, request: nil)
            #expect(locked.lock?.until == Fixture.calendarStart + 1_000)
            #expect(locked.record?.locks.locks.count == 1)
            // A lock is no version of its own.
            #expect(try await catalog.versions(of: name, before: nil, limit: 9).map(\.time) == [10])
            try await fixture.put("f", chunks[1], level: 1, time: 20)
            _ = try await catalog.delete(name, time: 30)
            #expect(try await fixture.purge(name) == PurgedVersions(forgotten: 1, locked: 1))
            fixture.advance(.seconds(999))
            fixture.setCalendar(Fixture.calendarStart + 1 << 30)
            #expect(try await fixture.kept(of: name) == [nil, chunks[0]])
            #expect(try await fixture.purge(name).locked == 1)
            try await catalog.forgetVersions(keptFor: .zero)
            #expect(try await fixture.kept(of: name) == [nil, chunks[0]])
            #expect(try await fixture.status(chunks[0])?.target == 3)
            fixture.advance(.seconds(1))
            #expect(try await fixture.kept(of: name) == [nil])
            #expect(try await fixture.status(chunks[0])?.target ?? 0 == 0)
        },
        CatalogBehaviour("a lock that is asked for again says what it has locked") { fixture in
            let catalog = fixture.catalog
            let chunks = try await fixture.startLocking()
            let name = try FileName("f")
            let first = try await catalog.file(name).sequence
            let hold = try LockChange(until: nil, isHeld: true)
            let (plain, exact) = (RequestID.random(), RequestID.random())
            func lock(_ sequence: CommitSequence?, _ request: RequestID) async throws
                -> LockedContent
            {
                try await catalog.lock(
                    VersionName(name, sequence), hold, time: 15, request: request)
            }
            let held = try await lock(first, exact)
            // The word that it names has made place for the one that says so.
            #expect(try await lock(first, exact) == held && held.lock?.isHeld == true)
            #expect(
                try await catalog.lock(
                    VersionName(name, first), LockChange(until: nil, isHeld: false), time: 16,
                    request: plain
                ).lock == nil)
            let again = RequestID.random()
            #expect(try await lock(nil, again).lock?.isHeld == true)
            try await fixture.put("f", chunks[1], level: 1, time: 20)
            #expect(try await lock(nil, again).lock?.isHeld == true)
            let opened = try await catalog.openRetrieval(
                .random(), of: [VersionName(name, first)], lease: .seconds(9))
            #expect(try opened[0].get().manifest.chunk == chunks[0])
        },
        CatalogBehaviour("what is held stays until it is released, whatever came since") {
            fixture in
            let catalog = fixture.catalog
            let chunks = try await fixture.startLocking()
            let name = try FileName("f")
            let held = try await catalog.versions(of: name, before: nil, limit: 1)[0].sequence
            _ = try await catalog.lock(
                VersionName(name), LockChange(until: nil, isHeld: true), time: 15, request: nil)
            for round in 1...2 {
                try await fixture.put("f", chunks[round], level: 1, time: 20)
                let file = try await catalog.file(name)
                _ = try await catalog.changeLevel(
                    of: name, expected: file.sequence, to: ReplicationLevel(2), copiesRequired: 1,
                    counting: Fixture.replicas(1...3), time: 25)
                _ = try await catalog.delete(name, time: 30)
                fixture.advance(.seconds(1 << 30))
                #expect(try await fixture.kept(of: name) == [nil, chunks[0]])
            }
            // By its version, since the name is something else now.
            let locked = try await catalog.versions(of: name, before: nil, limit: 9)
            let word = try #require(locked.last)
            #expect(word.lock == ContentLock(until: nil, isHeld: true) && word.sequence > held)
            let released = try await catalog.lock(
                VersionName(name, word.sequence), LockChange(until: nil, isHeld: false), time: 40,
                request: nil)
            #expect(released.lock == nil && released.record?.locks == ContentLocks.none)
            fixture.advance(.seconds(1 << 30))
            #expect(try await fixture.kept(of: name) == [nil])
        },
        CatalogBehaviour("a lock is made longer, and never shorter") { fixture in
            let catalog = fixture.catalog
            _ = try await fixture.startLocking()
            let name = try VersionName(FileName("f"))
            let start = Fixture.calendarStart
            func lock(_ seconds: Int64, held: Bool? = nil) async throws -> LockedContent {
                try await catalog.lock(
                    name, LockChange(until: start + seconds, isHeld: held), time: 1, request: nil)
            }
            #expect(try await lock(100).record != nil)
            #expect(try await lock(100).record == nil, "it is so already")
            await expectError(.conflict) { _ = try await lock(99) }
            #expect(try await lock(100, held: true).lock?.description == "held \(start + 100)")
            #expect(try await lock(200).lock?.description == "held \(start + 200)")
            let released = try await catalog.lock(
                name, LockChange(until: nil, isHeld: false), time: 1, request: nil)
            #expect(released.lock?.description == "\(start + 200)")
            #expect(try await catalog.file(name.name).lock != nil)
            // Under a clock that was set forward, too, it is made longer by what was asked for.
            fixture.setCalendar(start + 250)
            _ = try await lock(300)
            try await fixture.put("f", Fixture.chunk("other"), level: 1, time: 2)
            fixture.advance(.seconds(299))
            #expect(try await fixture.kept(of: name.name).count == 2)
            fixture.advance(.seconds(1))
            #expect(try await fixture.kept(of: name.name).count == 1)
            await expectError(.conflict) {
                _ = try await catalog.lock(
                    name, LockChange(until: start, isHeld: nil), time: 1, request: nil)
            }
            await expectError(.notFound) {
                _ = try await catalog.lock(
                    VersionName(FileName("g")), LockChange(until: nil, isHeld: true), time: 1,
                    request: nil)
            }
        },
        CatalogBehaviour("a repeated request locks once, and comes to the same end") { fixture in
            let catalog = fixture.catalog
            _ = try await fixture.startLocking()
            let (name, request) = (try VersionName(FileName("f")), RequestID.random())
            let change = try LockChange(until: nil, isHeld: true)
            let first = try await catalog.lock(name, change, time: 1, request: request)
            _ = try await catalog.lock(
                name, LockChange(until: nil, isHeld: false), time: 2, request: .random())
            let again = try await catalog.lock(name, change, time: 3, request: request)
            #expect(again == first)
            let lock = try await catalog.versions(of: name.name, before: nil, limit: 1)[0].lock
            #expect(lock == nil, "what others have made of it since stays")
        },
        CatalogBehaviour("a policy keeps so long, or the last so many") { fixture in
            let catalog = fixture.catalog
            try await fixture.admit(1...3)
            let chunks = try Fixture.chunks(0..<4)
            func set(_ prefix: String, _ days: Int, _ last: Int) async throws {
                _ = try await catalog.setPolicy(
                    VersionPolicy(days: days, last: last), of: PolicyScope(prefix: prefix), time: 1,
                    request: nil)
            }
            try await set("none", 0, 0)
            try await set("last", 0, 2)
            try await set("last/days", 1, 0)
            let names = ["none/f", "last/f", "last/days", "last/days/f", "none", "nonesuch"]
            for chunk in chunks {
                for name in names {
                    try await fixture.put(name, chunk, level: 1, time: 1)
                }
            }
            func kept() async throws -> [Int] {
                var counts: [Int] = []
                for name in names {
                    counts.append(try await fixture.kept(of: FileName(name)).count)
                }
                return counts
            }
            fixture.advance(.seconds(50))
            #expect(try await kept() == [1, 3, 4, 4, 1, 4])
            fixture.advance(.seconds(86_350))
            #expect(try await kept() == [1, 3, 1, 1, 1, 1])
            // The last of a deleted name, too.
            _ = try await catalog.delete(FileName("last/f"), time: 2)
            fixture.advance(.seconds(1 << 30))
            #expect(try await kept() == [1, 3, 1, 1, 1, 1])
            _ = try await catalog.setPolicy(
                nil, of: PolicyScope(prefix: "last/"), time: 3, request: nil)
            #expect(try await kept() == [1, 1, 1, 1, 1, 1])
        },
        CatalogBehaviour("policies are no files, and nobody else makes them") { fixture in
            let catalog = fixture.catalog
            _ = try await fixture.startLocking()
            let policy = try VersionPolicy(days: 7, last: 1)
            for prefix in ["", "a", "a/b//"] {
                let record = try await catalog.setPolicy(
                    policy, of: PolicyScope(prefix: prefix), time: 1, request: nil)
                #expect(record != nil)
                let again = try await catalog.setPolicy(
                    policy, of: PolicyScope(prefix: prefix), time: 1, request: nil)
                #expect(again == nil)
            }
            let list = try await catalog.policies()
            #expect(list.entries.map { $0.scope.root?.text } == [nil, "a", "a/b"])
            #expect(list.entries.allSatisfy { $0.policy == policy })
            #expect(list.usual.duration == versionsKept)
            let totals = try await catalog.totals(counting: Fixture.replicas(1...3))
            #expect(totals.files == 1)
            for moment in [nil, 100] as [Int64?] {
                let page =
                    if let moment {
                        try await catalog.files(at: moment, prefix: "", after: nil, limit: 9)
                    } else {
                        try await catalog.files(prefix: "", after: nil, limit: 9)
                    }
                #expect(page.files.map(\.name.text) == ["f"] && !page.hasMore)
            }
            let hidden = try await catalog.files(prefix: ".depot/", after: nil, limit: 9)
            #expect(hidden.files.count == 3)
            let name = try FileName(".depot/policy/a")
            await expectError(.invalidArgument) {
                try await fixture.put(name.text, Fixture.chunk("x"), level: 1, time: 1)
            }
            await expectError(.invalidArgument) { _ = try await catalog.delete(name, time: 2) }
            await expectError(.invalidArgument) {
                _ = try await catalog.lock(
                    VersionName(name), LockChange(until: nil, isHeld: true), time: 1, request: nil)
            }
        },
        CatalogBehaviour("a plan of a purge tells what only these names use") { fixture in
            let catalog = fixture.catalog
            try await fixture.admit(1...3)
            let chunks = try Fixture.chunks(0..<4)
            let puts = [
                ("a/x", 0), ("a/x", 1), ("a/y", 0), ("a/z", 2), ("a/z", 1), ("b", 2), ("a", 3),
            ]
            for (name, chunk) in puts {
                try await fixture.put(name, chunks[chunk], level: 1, time: 1)
            }
            _ = try await catalog.delete(FileName("a/y"), time: 2)
            let all = try await catalog.purgePlan(FileName("a"), isRecursive: true)
            let bytes = { (numbers: [Int]) in numbers.reduce(0) { $0 + UInt64(chunks[$1].length) } }
            #expect(all.names == 3 && all.versions == 3 && all.lockedNames == 0)
            #expect(
                all.uniqueBytes == bytes([0, 1, 3]) && all.storedBytes == 3 * bytes([0, 1, 3]))
            let one = try await catalog.purgePlan(FileName("a"), isRecursive: false)
            #expect(one.names == 1 && one.versions == 0 && one.uniqueBytes == bytes([3]))
            _ = try await catalog.lock(
                VersionName(FileName("a/x")), LockChange(until: nil, isHeld: true), time: 1,
                request: nil)
            let locked = try await catalog.purgePlan(FileName("a"), isRecursive: true)
            #expect(locked.lockedNames == 1 && locked.uniqueBytes == bytes([3]))
        },
    ]

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
    /// Says that a name is to be forgotten but for what it is, and forgets it.
    public func purge(_ name: FileName, time: Int64 = 1_000) async throws -> PurgedVersions {
        _ = try await catalog.purge(name, time: time, request: nil)
        return try await catalog.forgetPurged(name)
    }

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

    /// A file of one chunk, and others to replace it with.
    fileprivate func startLocking() async throws -> [ChunkReference] {
        try await admit(1...3)
        let chunks = try Self.chunks(0..<3)
        try await put("f", chunks[0], level: 3, time: 10)
        return chunks
    }

    /// What is kept of a name after a collection, the newest first; `nil` for deletions.
    fileprivate func kept(of name: FileName) async throws -> [ChunkReference?] {
        try await deliver(on: 1...3)
        try await catalog.markUnused()
        return try await catalog.versions(of: name, before: nil, limit: 100).map { word in
            guard case .file(let entry) = word.content else { return nil }
            return entry.manifest.chunk
        }
    }
}
