import DepotCore
import DepotServer
import DepotTestSupport
import DepotWire
import FoundationEssentials
import NIOCore
import Testing

/// Two FileServers on copies of one catalog, and catalogs that cannot know whether they are the newest.
@Suite struct WriterInterleavings {
    static func copy(_ folder: String, _ name: String) throws -> String {
        let copy = folder + "-" + name
        try FileManager.default.copyItem(atPath: folder, toPath: copy)
        return copy
    }

    static func remove(_ folder: String) {
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Everything that changes something.
    private static func changes(_ depot: TestDepot) async throws -> [HTTPCaller.Answer] {
        [
            try await TestDepositor(depot).open(level: 1), try await depot.collect(),
            try await depot.startVerification(), try await depot.changeLevel("first", 1),
            try await depot.http.call(.DELETE, "/v1/files/first"),
            try await depot.drain(0, force: true), try await depot.forget(0, acceptLoss: true),
        ]
    }

    private static func objects(_ replicas: [FakeReplica]) -> [Set<ObjectID>] {
        replicas.map { replica in replica.state.withLock { Set($0.objects.keys) } }
    }

    /// A machine was cloned, and both FileServers ran. Both acknowledged, since the sequences that each gave kept step,
    /// and a collection of one deleted what the other had acknowledged.
    @Test func `of two FileServers on copies of one catalog the one that claimed it writes`()
        async throws
    {
        let replicas = (0..<3).map { _ in FakeReplica() }
        let data = TestDepositor.data(30_000, seed: 300)
        try await TestDepot.inFolder { folder in
            try await TestDepot.start(on: replicas, in: folder) { depot in
                try await depot.deposit("first", data, level: 3)
            }
            let clone = try Self.copy(folder, "clone")
            defer { Self.remove(clone) }
            try await TestDepot.start(on: replicas, in: folder) { depot in
                try await depot.ready()
                let before = Self.objects(replicas)
                try await TestDepot.start(on: replicas, in: clone) { second in
                    for answer in try await Self.changes(second) {
                        #expect(answer.error?.code == .conflict)
                        #expect(answer.error?.message.contains("another FileServer") == true)
                    }
                    #expect(try await second.status().problem?.contains("read-only") == true)
                    #expect(try await second.content("first").body == data)
                }
                #expect(Self.objects(replicas) == before)
                // The first one did not even notice.
                try await depot.deposit("second", data, level: 3)
                #expect(try await depot.status().problem == nil)
            }
            // Nor does the clone become the writer when the other one is gone.
            try await TestDepot.start(on: replicas, in: clone) { second in
                let answer = try await TestDepositor(second).open(level: 1)
                #expect(answer.error?.code == .conflict)
            }
        }
    }

    /// The copy was made while the FileServer ran: it knows the claim. It takes over where nothing was committed since, and
    /// the first one, which goes on running, is refused from then on.
    @Test(arguments: [false, true])
    func `a copy of a running one takes over if it is the newest, and fences the first`(
        isOld: Bool
    ) async throws {
        let replicas = (0..<3).map { _ in FakeReplica() }
        let data = TestDepositor.data(30_000, seed: 301)
        try await TestDepot.inFolder { folder in
            try await TestDepot.start(on: replicas, in: folder) { depot in
                try await depot.ready()
                try await depot.deposit("first", data, level: 3)
                let snapshot = try Self.copy(folder, "snapshot")
                defer { Self.remove(snapshot) }
                if isOld { try await depot.deposit("newest", data, level: 3) }
                try await TestDepot.start(on: replicas, in: snapshot) { second in
                    if isOld {
                        let answer = try await TestDepositor(second).open(level: 3)
                        #expect(answer.error?.message.contains("depot rebuild-catalog") == true)
                        try await depot.deposit("newer yet", data, level: 3)
                        return
                    }
                    try await second.ready()
                    try await second.deposit("acknowledged", data, level: 3)
                    try await depot.eventually("the first is refused") {
                        try await depot.status().problem?.contains("has taken over") == true
                    }
                    let before = Self.objects(replicas)
                    for answer in try await Self.changes(depot) {
                        #expect(answer.error?.code == .conflict)
                    }
                    #expect(Self.objects(replicas) == before)
                    #expect(try await second.content("acknowledged").body == data)
                }
            }
        }
    }

    /// A deposit is under way at the first FileServer when another one takes over. Its commit is refused by the replicas,
    /// or the other one knows of it.
    @Test func `a deposit that was begun before another took over is not acknowledged`()
        async throws
    {
        let replicas = (0..<3).map { _ in FakeReplica() }
        let data = TestDepositor.data(30_000, seed: 302)
        let quiet = { (configuration: inout FileServerConfiguration) in
            configuration.timing.monitorInterval = .seconds(3_600)
            configuration.timing.suspicionLimit = .zero
        }
        try await TestDepot.inFolder { folder in
            try await TestDepot.start(on: replicas, in: folder, configure: quiet) { depot in
                let client = TestDepositor(depot)
                let file = try TestDepositor.file(data)
                let all = file.chunks + file.manifest.objects
                _ = try await client.open(level: 3)
                _ = try await client.negotiate(all)
                _ = try await client.upload(all)
                _ = try await client.barrier(all)
                let snapshot = try Self.copy(folder, "snapshot")
                defer { Self.remove(snapshot) }
                try await TestDepot.start(on: replicas, in: snapshot) { second in
                    try await second.ready()
                    // The first has not heard of it.
                    let answer = try await client.commit("late", file.manifest)
                    let result = try? answer.json(CommitAnswerBody.self).results.first
                    #expect(result?.receipt == nil)
                    #expect(try await second.content("late").status == 404)
                    try await second.deposit("mine", data, level: 3)
                }
            }
        }
    }

    /// The catalog was put back from a backup while the replicas with the newest record were away. It went on, its
    /// sequences became higher than theirs, and when they returned nobody saw that it lacked an acknowledged file.
    @Test
    func `a catalog that cannot prove to be the newest is read-only, and says for whom it waits`()
        async throws
    {
        let replicas = (0..<5).map { _ in FakeReplica() }
        let data = TestDepositor.data(30_000, seed: 303)
        try await TestDepot.inFolder { folder in
            var backup = ""
            try await TestDepot.start(on: replicas, in: folder) { depot in
                try await depot.ready()
                try await depot.deposit("first", data, level: 5)
                backup = try Self.copy(folder, "backup")
                try await depot.deposit("newest", data, level: 2)
            }
            defer { Self.remove(backup) }
            let newest = replicas.compactMap { $0.state.withLock { $0.highestSequence } }.max()
            let away = replicas.filter { $0.state.withLock { $0.highestSequence } == newest }
            #expect(away.count >= 3, "a majority knows of the newest commit")
            for replica in away.prefix(3) { replica.mood = .unreachable }
            let before = Self.objects(replicas)
            try await TestDepot.start(on: replicas, in: backup) { depot in
                let refused = try await TestDepositor(depot).open(level: 1)
                #expect(refused.error?.code == .notEnoughReplicas)
                #expect(refused.error?.message.contains("waiting for") == true)
                #expect(try await depot.content("first").body == data)
                for replica in away { replica.mood = .well }
                try await depot.eventually("it knows that it is old") {
                    try await TestDepositor(depot).open(level: 1).error?.code == .conflict
                }
            }
            #expect(Self.objects(replicas) == before)
        }
    }
}
