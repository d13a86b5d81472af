import DepotCore
import DepotServer
import DepotTestSupport
import DepotWire
import FoundationEssentials
import NIOCore
import Testing

/// Catalogs and disks that are older than what the others know.
@Suite struct CatalogInterleavings {
    private static func objects(_ replicas: [FakeReplica]) -> [Set<ObjectID>] {
        replicas.map { replica in replica.state.withLock { Set($0.objects.keys) } }
    }

    /// The catalog is lost, and so are two replicas of five, which have the newest words: a version, a deletion, and an
    /// update of a file that is committed again in between. The rebuilt catalog knows older ones. Nothing is let go
    /// until the two are back; then theirs is the word, where it is the newest.
    @Test func `the newest records return with their replicas, and nothing goes before`()
        async throws
    {
        let replicas = (0..<5).map { _ in FakeReplica() }
        let (old, new) = (
            TestDepositor.data(30_000, seed: 220), TestDepositor.data(30_000, seed: 221)
        )
        let latest = TestDepositor.data(30_000, seed: 222)
        try await TestDepot.inFolder { folder in
            try await TestDepot.start(on: replicas, in: folder) { depot in
                try await depot.ready()
                for name in ["file", "deleted", "again"] {
                    try await depot.deposit(name, old, level: 3)
                }
                try await depot.deposit("other", TestDepositor.data(9_000, seed: 232), level: 3)
                try await depot.eventually("all are told") {
                    try await depot.catalog.outbox(limit: 1).isEmpty
                        && replicas.allSatisfy { replica in
                            replica.state.withLock { $0.membership?.members.count == 5 }
                        }
                }
                // From here on only the last two take anything.
                try await Self.fill(0..<3, of: depot, .fullToTheEnd)
                for name in ["file", "again"] { try await depot.deposit(name, new, level: 2) }
                #expect(try await depot.http.call(.DELETE, "/v1/files/deleted").status == 204)
            }
        }
        for replica in replicas.prefix(3) {
            replica.state.withLock { ($0.freeBytes, $0.mood) = (1 << 40, .well) }
        }
        for replica in replicas.suffix(2) { replica.mood = .unreachable }
        try await TestDepot.inFolder { folder in
            let report = try await TestDepot.rebuild(
                replicas, in: folder, acceptMissing: true, acceptMinority: true)
            #expect(report.files == 4 && report.missing.count == 2)
            try await TestDepot.start(on: replicas, in: folder) { depot in
                for index in 0..<3 { try await depot.awaitState(.up, of: index) }
                try await Self.nothingGoes(depot, old)
                try await depot.deposit("again", latest, level: 2)
                for replica in replicas.suffix(2) { replica.mood = .well }
                try await depot.eventually("the newest words are taken over") {
                    try await !depot.catalog.isPartial()
                }
                #expect(try await depot.content("file").body == new)
                #expect(try await depot.content("deleted").status == 404)
                #expect(try await depot.content("again").body == latest)
                _ = try await depot.verify()
                #expect(try await depot.verify().exitCode == 0)
                for _ in 0..<2 { #expect(try await depot.collect().status == 200) }
                for chunk in try TestDepositor.file(old).chunks {
                    #expect(depot.soundCopies(of: chunk.id.hash) == 0)
                }
                #expect(try await depot.content("file").body == new)
            }
        }
    }

    /// From now on these know of what is committed, and hold no chunk of it.
    private static func fill(
        _ numbers: Range<Int>, of depot: TestDepot, _ mood: FakeReplica.Mood
    ) async throws {
        for number in numbers {
            depot.replicas[number].state.withLock { ($0.freeBytes, $0.mood) = (0, mood) }
        }
        try await depot.eventually("they are full") {
            let replicas = try await depot.status().replicas
            return numbers.allSatisfy { number in
                replicas.contains { $0.url == TestDepot.url(number) && $0.freeBytes == 0 }
            }
        }
    }

    private static func nothingGoes(_ depot: TestDepot, _ old: ByteBuffer) async throws {
        let before = objects(depot.replicas)
        for name in ["file", "deleted", "again"] {
            #expect(try await depot.content(name).body == old)
        }
        #expect(try await depot.collect().error?.code == .conflict)
        #expect(try await depot.changeLevel("other", 1).json(LevelChangeBody.self).dropped == 0)
        // A bad copy that nobody uses does not keep the rest from being repaired.
        let stray = VerifiedObject(hashing: TestDepositor.data(100, seed: 223))
        try await depot.replicas[0].put([stray])
        depot.replicas[0].corrupt(stray.id)
        #expect(try await depot.verify().phase == .done)
        #expect(depot.replicas[0].holds(stray.id.hash))
        for (earlier, now) in zip(before, objects(depot.replicas)) {
            #expect(now.isSuperset(of: earlier))
        }
    }

    /// Two replicas were away at a rebuild. The first to return has the newest record of a file, the second has its
    /// chunks. The catalog stayed partial, since the first was looked at only once.
    @Test func `a newest version whose record and chunks return one after the other is taken over`()
        async throws
    {
        let replicas = (0..<5).map { _ in FakeReplica() }
        let (old, new) = (
            TestDepositor.data(19_000, seed: 224), TestDepositor.data(19_000, seed: 225)
        )
        try await TestDepot.inFolder { folder in
            try await TestDepot.start(on: replicas, in: folder) { depot in
                try await depot.ready()
                try await depot.deposit("file", old, level: 3)
                try await depot.eventually("all are told") {
                    replicas.allSatisfy { replica in
                        replica.state.withLock { $0.membership?.members.count == 5 }
                    }
                }
                // Records find room in their reserve: one word alone would not count after a rebuild.
                try await Self.fill(0..<3, of: depot, .full)
                try await depot.deposit("file", new, level: 2)
            }
        }
        // Its chunks are on the last one only, its record on the one before.
        for chunk in try TestDepositor.file(new).chunks { replicas[3].lose(chunk.id.hash) }
        replicas[4].state.withLock { state in
            state.objects = state.objects.filter { $0.key.kind == .chunk }
        }
        for replica in replicas.prefix(3) {
            replica.state.withLock { ($0.freeBytes, $0.mood) = (1 << 40, .well) }
        }
        for replica in replicas.suffix(2) { replica.mood = .unreachable }
        try await TestDepot.inFolder { folder in
            _ = try await TestDepot.rebuild(
                replicas, in: folder, acceptMissing: true, acceptMinority: true)
            try await TestDepot.start(on: replicas, in: folder) { depot in
                replicas[3].mood = .well
                try await depot.awaitState(.up, of: 3)
                try await depot.eventually("what it holds is known") {
                    let chunk = try TestDepositor.file(new).manifest.objects[0].id.hash
                    return try await depot.catalog.copies(of: [chunk]).first??.good.count == 1
                }
                #expect(try await depot.content("file").body == old)
                #expect(try await depot.catalog.isPartial())
                replicas[4].mood = .well
                try await depot.eventually("the newest version is taken over") {
                    try await !depot.catalog.isPartial()
                }
                #expect(try await depot.content("file").body == new)
            }
        }
    }

    /// Somebody starts a FileServer with an empty data folder on replicas that are full.
    @Test func `an empty catalog on full replicas touches nothing, and says what to do`()
        async throws
    {
        let replicas = (0..<3).map { _ in FakeReplica() }
        try await TestDepot.run(on: replicas) { depot in
            try await depot.deposit("file", TestDepositor.data(30_000, seed: 226), level: 3)
        }
        let before = Self.objects(replicas)
        let memberships = replicas.map { replica in replica.state.withLock { $0.membership } }
        try await TestDepot.run(on: replicas) { depot in
            for index in replicas.indices { try await depot.awaitState(.refused, of: index) }
            let problem = try await depot.status().replicas[0].problem
            #expect(problem?.contains("depot rebuild-catalog") == true)
            let refused = try await TestDepositor(depot).open(level: 1)
            #expect(refused.error?.code == .notEnoughReplicas)
            #expect(refused.error?.message.contains("depot rebuild-catalog") == true)
            #expect(try await depot.collect().error?.code == .notEnoughReplicas)
            #expect(try await depot.startVerification().error?.code == .notEnoughReplicas)
        }
        #expect(Self.objects(replicas) == before)
        #expect(
            replicas.map { replica in replica.state.withLock { $0.membership } } == memberships)
    }

    /// The FileServer's data folder is put back from yesterday's backup.
    @Test func `a catalog from a backup is read-only until it is rebuilt`() async throws {
        let replicas = (0..<3).map { _ in FakeReplica() }
        let (old, new) = (
            TestDepositor.data(30_000, seed: 227), TestDepositor.data(30_000, seed: 228)
        )
        try await TestDepot.inFolder { folder in
            try await TestDepot.start(on: replicas, in: folder) { depot in
                try await depot.deposit("file", old, level: 3)
            }
            let backup = folder + "-backup"
            defer { try? FileManager.default.removeItem(atPath: backup) }
            try FileManager.default.copyItem(atPath: folder, toPath: backup)
            try await TestDepot.start(on: replicas, in: folder) { depot in
                try await depot.ready()
                try await depot.deposit("file", new, level: 3)
                try await depot.deposit("more", new, level: 3)
            }
            let before = Self.objects(replicas)
            let sweep = { (configuration: inout FileServerConfiguration) in
                configuration.timing.repairPeriod = .milliseconds(20)
                configuration.timing.collectionPeriod = .milliseconds(20)
                configuration.timing.collectionGrace = .zero
                configuration.timing.verificationPeriod = .milliseconds(20)
            }
            try await TestDepot.start(on: replicas, in: backup, configure: sweep) { depot in
                for index in replicas.indices {
                    try await depot.awaitState(.readOnly, of: index)
                }
                let answers = [
                    try await TestDepositor(depot).open(level: 1), try await depot.collect(),
                    try await depot.startVerification(), try await depot.changeLevel("file", 1),
                    try await depot.http.call(.DELETE, "/v1/files/file"),
                    try await depot.drain(0, force: true),
                    try await depot.forget(0, acceptLoss: true),
                ]
                for answer in answers {
                    #expect(answer.error?.code == .conflict)
                    #expect(answer.error?.message.contains("depot rebuild-catalog") == true)
                }
                #expect(try await depot.content("file").body == old)
            }
            #expect(Self.objects(replicas) == before)
        }
        try await TestDepot.inFolder { folder in
            _ = try await TestDepot.rebuild(replicas, in: folder, acceptMissing: false)
            try await TestDepot.start(on: replicas, in: folder) { depot in
                try await depot.ready()
                for name in ["file", "more"] {
                    #expect(try await depot.content(name).body == new)
                }
                #expect(try await TestDepositor(depot).open(level: 3).status == 200)
            }
        }
    }

    /// A replica's disk is put back from an older copy: what came since is gone, though the catalog believes in it.
    @Test func `an older volume proves what it has, and what it lost is made again`() async throws {
        let quick = { (configuration: inout FileServerConfiguration) in
            configuration.timing.repairPeriod = .milliseconds(20)
        }
        try await TestDepot.run(replicas: 2, configure: quick) { depot in
            try await depot.ready()
            let (kept, lost) = (
                TestDepositor.data(30_000, seed: 229), TestDepositor.data(30_000, seed: 230)
            )
            try await depot.deposit("kept", kept, level: 2)
            let image = depot.replicas[1].state.withLock { $0 }
            try await depot.deposit("lost", lost, level: 2)
            depot.links[1].inject(.hang, into: .vouch, calls: .all)
            depot.replicas[1].goBack(to: image)
            try await depot.eventually("nothing there counts") {
                try await depot.goodCopies("kept").values.allSatisfy { $0.count == 1 }
            }
            let client = TestDepositor(depot)
            _ = try await client.open(level: 2)
            let file = try TestDepositor.file(kept)
            #expect(try await client.negotiate(file.chunks).count == file.chunks.count)
            depot.links[1].heal()
            for name in ["kept", "lost"] {
                try await depot.eventually("\(name) is whole") {
                    try await depot.goodCopies(name).allSatisfy { chunk, copies in
                        copies.count == 2 && depot.soundCopies(of: chunk) == 2
                    }
                }
            }
            try await depot.eventually("the records are there, too") {
                depot.replicas[1].recordCount == 2
            }
        }
    }

    /// A disk is cloned and started beside the first one.
    @Test func `a folder that was copied to a second address counts once`() async throws {
        let (one, twin, other) = (FakeReplica(), FakeReplica(), FakeReplica())
        twin.state.withLock { $0.id = one.id }
        try await TestDepot.run(on: [one, twin, other]) { depot in
            try await depot.eventually("one of the two is refused") {
                let states = try await depot.status().replicas.map(\.state)
                return states.count { $0 == .refused } == 1 && states.count { $0 == .up } == 2
            }
            #expect(try await TestDepositor(depot).open(level: 3).error?.code == .notEnoughReplicas)
            let receipt = try await depot.deposit(
                "file", TestDepositor.data(9_000, seed: 231), level: 2)
            #expect(receipt.copies == 2)
            #expect(one.chunkCount == 0 || twin.chunkCount == 0)
            #expect(other.chunkCount == 1)
            #expect(try await depot.changeLevel("file", 3).error?.code == .notEnoughReplicas)
        }
    }
}
