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
        CatalogBehaviour("a lock that is broken ends when it is said, or at once") { fixture in
            let catalog = fixture.catalog
            let chunks = try await fixture.startLocking()
            let name = try FileName("f")
            let start = Fixture.calendarStart
            func lock(_ seconds: Int64?, held: Bool? = nil, breaks: Bool) async throws
                -> ContentLock?
            {
                let change = try LockChange(
                    until: seconds.map { start + $0 }, isHeld: held, breaks: breaks)
                let locked = try await catalog.lock(
                    VersionName(name), change, time: 1, request: nil)
                return locked.lock
            }
            _ = try await lock(1_000, held: true, breaks: false)
            await expectError(.conflict) { _ = try await lock(10, breaks: false) }
            #expect(try await lock(10, breaks: true)?.description == "held \(start + 10)")
            #expect(try await lock(nil, breaks: true)?.description == "held")
            #expect(try await lock(nil, held: false, breaks: true) == nil)
            try await fixture.put("f", chunks[1], level: 1, time: 20)
            #expect(try await fixture.purge(name) == PurgedVersions(forgotten: 1, locked: 0))
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
}

extension CatalogFixture {
    /// Says that a name is to be forgotten but for what it is, and forgets it.
    public func purge(_ name: FileName, time: Int64 = 1_000) async throws -> PurgedVersions {
        _ = try await catalog.purge(name, time: time, request: nil)
        return try await catalog.forgetPurged(name)
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
