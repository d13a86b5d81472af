import DepotCore
import DepotServer
import DepotTestSupport
import DepotWire
import NIOCore
import Testing

/// What a majority of the members knows, and what happens where none is there.
extension WriterInterleavings {
    /// Records go to three replicas of seven. All three are away when a copy of the catalog is started that was made while
    /// the FileServer ran, and has its claim: one of the other four knows of the commit.
    @Test func `a majority knows of each acknowledged commit, also where fewer hold its record`()
        async throws
    {
        let replicas = (0..<7).map { _ in FakeReplica() }
        let data = TestDepositor.data(30_000, seed: 304)
        try await TestDepot.inFolder { folder in
            var backup = ""
            try await TestDepot.start(on: replicas, in: folder) { depot in
                try await depot.ready()
                try await depot.deposit("first", data, level: 1)
                backup = try Self.copy(folder, "backup")
                try await depot.deposit("newest", data, level: 1)
            }
            defer { Self.remove(backup) }
            let newest = try #require(
                replicas.compactMap { $0.state.withLock { $0.highestSequence } }.max())
            let knowing = replicas.filter {
                $0.state.withLock { $0.highestSequence == newest }
            }
            // The monitor may have told another one.
            #expect(knowing.count >= 4)
            let holders = replicas.filter { replica in
                replica.state.withLock { state in
                    state.objects.contains { id, entry in
                        id.kind == .record
                            && (try? RecordBatch.records(in: entry.bytes))?.last?.sequence == newest
                    }
                }
            }
            #expect(holders.count == 3)
            for replica in holders { replica.mood = .unreachable }
            try await TestDepot.start(on: replicas, in: backup) { depot in
                try await depot.eventually("it is told") {
                    try await TestDepositor(depot).open(level: 1).error?.code == .conflict
                }
            }
        }
    }

    /// With fewer than a majority nothing can be acknowledged that a later start would be sure to meet.
    @Test func `with most members away nothing is acknowledged, and what was is read`()
        async throws
    {
        let replicas = (0..<5).map { _ in FakeReplica() }
        let data = TestDepositor.data(30_000, seed: 305)
        try await TestDepot.run(on: replicas) { depot in
            try await depot.ready()
            try await depot.deposit("file", data, level: 5)
            for replica in replicas.prefix(3) { replica.mood = .unreachable }
            for index in 0..<3 { try await depot.awaitState(.down, of: index) }
            let refused = try await TestDepositor(depot).open(level: 1)
            #expect(refused.error?.code == .notEnoughReplicas)
            #expect(refused.error?.message.contains("3 of 5 members") == true)
            #expect(try await depot.http.call(.DELETE, "/v1/files/file").status == 503)
            #expect(try await depot.content("file").body == data)
        }
    }

    /// Two disks of three are gone for good, and the FileServer was started again since.
    @Test func `members that are gone for good are forgotten by whoever says so`() async throws {
        let replicas = (0..<3).map { _ in FakeReplica() }
        let data = TestDepositor.data(30_000, seed: 306)
        try await TestDepot.inFolder { folder in
            try await TestDepot.start(on: replicas, in: folder) { depot in
                try await depot.ready()
                try await depot.deposit("file", data, level: 3)
            }
            for replica in replicas.prefix(2) { replica.mood = .unreachable }
            try await TestDepot.start(on: replicas, in: folder) { depot in
                #expect(try await depot.forget(0).error?.code == .notEnoughReplicas)
                #expect(
                    try await depot.forget(2, acceptLoss: true).error?.code == .notEnoughReplicas)
                for index in 0..<2 {
                    #expect(try await depot.forget(index, acceptLoss: true).status == 200)
                }
                try await depot.eventually("it writes") {
                    try await depot.status().problem == nil
                }
            }
            try await TestDepot.start(
                on: [replicas[2]], in: folder, urls: [TestDepot.url(2)]
            ) { depot in
                try await depot.deposit("more", data, level: 1)
                #expect(try await depot.content("file").body == data)
            }
        }
    }

    /// A replica was killed with the deletion of an old record in memory. The tombstone was let go by the inventory of
    /// before, and a rebuild brought the deleted file back.
    @Test func `what a restart brings back is let go again before its tombstone`() async throws {
        let replicas = (0..<3).map { _ in FakeReplica() }
        let data = TestDepositor.data(30_000, seed: 307)
        try await TestDepot.inFolder { folder in
            try await TestDepot.start(on: replicas, in: folder) { depot in
                try await depot.ready()
                try await depot.deposit("secret", data, level: 3)
                let old = replicas[0].state.withLock { state in
                    state.objects.filter { $0.key.kind == .record }
                }
                #expect(try await depot.http.call(.DELETE, "/v1/files/secret").status == 204)
                #expect(try await depot.collect().status == 200)
                #expect(replicas.allSatisfy { $0.recordCount == 1 })
                replicas[0].state.withLock { state in
                    state.objects.merge(old) { $1 }
                    state.opens += 1
                }
                try await depot.eventually("it is let go again") {
                    _ = try await depot.collect()
                    return !old.keys.contains { id in
                        replicas.contains { $0.state.withLock { $0.objects[id] != nil } }
                    }
                }
                #expect(try await depot.verify().exitCode == 0)
            }
        }
        try await TestDepot.inFolder { folder in
            let report = try await TestDepot.rebuild(replicas, in: folder, acceptMissing: false)
            #expect(report.files == 0)
        }
    }

    /// A FileServer commits twice, and only two of five members hear of it. A copy takes over that does not know of it,
    /// and acknowledges another version. The sequences were in step: when the two returned, the copy took itself for old, and
    /// a rebuild preferred what nobody had been promised.
    @Test(arguments: [1, 2])
    func `what was never acknowledged does not overtake what another acknowledged later`(
        commits: Int
    ) async throws {
        let replicas = (0..<3).map { _ in FakeReplica() }
        let old = TestDepositor.data(3_000, seed: 310)
        let new = TestDepositor.data(3_000, seed: 311)
        let quiet = { (configuration: inout FileServerConfiguration) in
            configuration.timing.monitorInterval = .seconds(3_600)
            configuration.timing.suspicionLimit = .zero
            configuration.timing.chorePeriod = .seconds(3_600)
        }
        try await TestDepot.inFolder { folder in
            var holders: [Int] = []
            try await TestDepot.start(on: replicas, in: folder) { depot in
                try await depot.ready()
                try await depot.deposit("file", old, level: 1)
                try await depot.eventually("its record is on all its replicas") {
                    holders = replicas.indices.filter { replicas[$0].recordCount > 0 }
                    return holders.count == 3
                }
            }
            try await TestDepot.start(on: replicas, in: folder, configure: quiet) { depot in
                try await depot.ready()
                let snapshot = try Self.copy(folder, "snapshot")
                defer { Self.remove(snapshot) }
                let reached = holders.prefix(1)
                for number in replicas.indices where !reached.contains(number) {
                    let broken = DepotError(.unreachable, "the connection ended")
                    for operation in [FaultyReplica.Operation.put, .adopt] {
                        depot.links[number].inject(.refuse(broken), into: operation, calls: .all)
                    }
                }
                let lost = TestDepositor.data(3_000, seed: 312)
                try await Self.commit(lost, as: ["other", "file"].suffix(commits), at: depot)
                for number in reached {
                    let records = replicas[number].state.withLock { $0.records }
                    #expect(records.count { $0.name.text == "file" } == 2)
                }
                for number in reached { replicas[number].mood = .unreachable }
                try await TestDepot.start(on: replicas, in: snapshot) { second in
                    try await second.eventually("it writes") {
                        try await second.status().problem == nil
                    }
                    try await second.deposit("file", new, level: 3)
                    for number in reached { replicas[number].mood = .well }
                    try await second.ready()
                    #expect(try await second.status().problem == nil)
                    #expect(try await second.content("file").body == new)
                }
            }
        }
        try await TestDepot.inFolder { folder in
            // Of the other name only that one knows.
            _ = try await TestDepot.rebuild(
                replicas, in: folder, acceptMissing: false, acceptMinority: commits == 2)
            try await TestDepot.start(on: replicas, in: folder) { depot in
                try await depot.ready()
                #expect(try await depot.content("file").body == new)
            }
        }
    }

    /// In one request, of which too few replicas hear.
    private static func commit(
        _ data: ByteBuffer, as names: some Sequence<String>, at depot: TestDepot
    ) async throws {
        let client = TestDepositor(depot)
        let file = try TestDepositor.file(data)
        let all = file.chunks + file.manifest.objects
        _ = try await client.open(level: 1)
        _ = try await client.negotiate(all)
        _ = try await client.upload(all)
        _ = try await client.barrier(all)
        let answer = try await client.commit(Array(names), file.manifest)
        let result = try answer.json(CommitAnswerBody.self).results.last
        #expect(result?.error?.code == .notEnoughReplicas)
    }
}
