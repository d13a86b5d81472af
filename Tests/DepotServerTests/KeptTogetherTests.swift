import DepotCore
import DepotServer
import DepotTestSupport
import DepotUpkeep
import DepotWire
import NIOCore
import Testing

/// Files that were committed together, and what becomes of the object that their records are.
@Suite struct KeptTogetherTests {
    private static let names = (0..<9).map { "file-\($0)" }
    private static let data = TestDepositor.data(25_000, seed: 420)

    private static func run(_ test: (TestDepot) async throws -> Void) async throws {
        try await TestDepot.run(replicas: 3) { depot in
            try await depot.ready()
            try await depot.deposit(together: names, data, level: 2)
            try await Self.delivered(depot)
            try await test(depot)
        }
    }

    private static func delivered(_ depot: TestDepot) async throws {
        try await depot.eventually("records are where they belong") {
            try await depot.catalog.outbox(limit: 1).isEmpty
        }
    }

    private static func expect(
        _ names: some Sequence<String>, in depot: TestDepot, _ when: Comment? = nil
    ) async throws {
        for name in self.names {
            let answer = try await depot.content(name)
            if names.contains(name) {
                #expect(answer.status == 200 && answer.body == data, "\(name)")
            } else {
                #expect(answer.status == 404, "\(name)")
            }
        }
    }

    /// A catalog that is made of these replicas alone.
    private static func expect(
        _ names: some Sequence<String>, after report: (RebuildReport) -> Void = { _ in },
        rebuiltFrom replicas: [FakeReplica], _ when: Comment
    ) async throws {
        try await TestDepot.inFolder { folder in
            report(try await TestDepot.rebuild(replicas, in: folder, acceptMissing: false))
            try await TestDepot.start(on: replicas, in: folder) { depot in
                try await depot.ready()
                try await expect(names, in: depot, when)
                #expect(try await depot.verify().exitCode == 0, when)
            }
        }
    }

    @Test func `files of one commit have one record object a copy, and come back by it`()
        async throws
    {
        let replicas = (0..<3).map { _ in FakeReplica() }
        try await TestDepot.inFolder { folder in
            try await TestDepot.start(on: replicas, in: folder) { depot in
                try await depot.ready()
                try await depot.deposit(together: Self.names, Self.data, level: 2)
                try await Self.delivered(depot)
                #expect(replicas.allSatisfy { $0.recordCount == 1 })
                #expect(replicas.allSatisfy { $0.records.count == Self.names.count })
                #expect(
                    try await depot.http.call(.DELETE, "/v1/files/file-3").status == 204)
            }
        }
        try await Self.expect(
            Self.names.filter { $0 != "file-3" },
            after: { report in
                #expect(report.files == Self.names.count - 1 && report.tombstones == 1)
                #expect(report.isComplete)
            }, rebuiltFrom: replicas, "by the records alone")
    }

    @Test func `a batch that is mostly over is replaced, and goes; nothing comes back`()
        async throws
    {
        try await Self.run { depot in
            for name in Self.names.dropLast(2) {
                #expect(try await depot.http.call(.DELETE, "/v1/files/\(name)").status == 204)
            }
            try await Self.delivered(depot)
            let old = Self.batches(of: depot.replicas[0])
            #expect(old.count == 1)
            // Puts the rest into a batch of their own, which goes out with the outbox.
            #expect(try await depot.collect().status == 200)
            try await Self.delivered(depot)
            for _ in 0..<3 {
                _ = try await depot.verify()
                #expect(try await depot.collect().status == 200)
            }
            for replica in depot.replicas {
                #expect(Self.batches(of: replica).isDisjoint(with: old))
                #expect(replica.recordCount == 1, "the tombstones have nothing to hold down")
                #expect(replica.records.map(\.name.text) == Self.names.suffix(2))
            }
            try await Self.expect(Self.names.suffix(2), in: depot)
            #expect(try await depot.verify().exitCode == 0)
            try await Self.expect(
                Self.names.suffix(2), rebuiltFrom: depot.replicas, "from the new batch")
        }
    }

    /// The catalog names records in a batch that nobody has yet.
    @Test func `a rewriting that reached no replica, or one, costs nothing`() async throws {
        for reached in 0...1 {
            let replicas = (0..<3).map { _ in FakeReplica() }
            try await TestDepot.inFolder { folder in
                try await TestDepot.start(on: replicas, in: folder) { depot in
                    try await depot.ready()
                    try await depot.deposit(together: Self.names, Self.data, level: 2)
                    for name in Self.names.dropLast(2) {
                        _ = try await depot.http.call(.DELETE, "/v1/files/\(name)")
                    }
                    try await Self.delivered(depot)
                    for link in depot.links.dropFirst(reached) {
                        link.inject(
                            .refuse(DepotError(.unreachable, "cut")), into: .put, calls: .all)
                    }
                    #expect(try await depot.collect().status == 200)
                    try await depot.eventually("it is where it can be") {
                        try await depot.catalog.outbox(limit: 1).first?.confirmed.count == reached
                    }
                    #expect(try await depot.collect().status == 200)
                    #expect(replicas.allSatisfy { Self.batches(of: $0).count >= 1 })
                }
            }
            try await Self.expect(
                Self.names.suffix(2), rebuiltFrom: replicas, "reached \(reached)")
        }
    }

    /// Its batch was gone, and the tombstone of another file in it too: sent again for the receipt, the batch brought
    /// that file back.
    @Test func `a commit that is asked for again sends nothing that is over`() async throws {
        try await TestDepot.run(replicas: 3) { depot in
            try await depot.ready()
            let client = TestDepositor(depot)
            let file = try TestDepositor.file(Self.data)
            let all = file.chunks + file.manifest.objects
            _ = try await client.open(level: 2)
            _ = try await client.negotiate(all)
            _ = try await client.upload(all)
            _ = try await client.barrier(all)
            let first = try await client.commit(Self.names, file.manifest).json(
                CommitAnswerBody.self)
            try await Self.delivered(depot)
            let old = Self.batches(of: depot.replicas[0])
            for name in Self.names.dropFirst(1) {
                #expect(try await depot.http.call(.DELETE, "/v1/files/\(name)").status == 204)
            }
            for _ in 0..<4 {
                try await Self.delivered(depot)
                _ = try await depot.verify()
                #expect(try await depot.collect().status == 200)
            }
            #expect(depot.replicas.allSatisfy { $0.records.map(\.name.text) == [Self.names[0]] })
            let again = try await client.commit(Self.names, file.manifest).json(
                CommitAnswerBody.self)
            #expect(again.results.map(\.receipt) == first.results.map(\.receipt))
            #expect(depot.replicas.allSatisfy { Self.batches(of: $0).isDisjoint(with: old) })
            #expect(depot.replicas.allSatisfy { $0.records.map(\.name.text) == [Self.names[0]] })
        }
    }

    @Test func `one file that is refused leaves the others together`() async throws {
        try await TestDepot.run(replicas: 3) { depot in
            try await depot.ready()
            let client = TestDepositor(depot)
            let (file, other) = try (
                TestDepositor.file(Self.data), TestDepositor.file(TestDepositor.data(9, seed: 421))
            )
            let all = file.chunks + file.manifest.objects + other.chunks + other.manifest.objects
            _ = try await client.open(level: 2)
            _ = try await client.negotiate(all)
            _ = try await client.upload(all)
            _ = try await client.barrier(all)
            _ = try await client.commit([Self.names[4]], other.manifest)
            let answer = try await client.commit(Self.names, file.manifest)
            let results = try answer.json(CommitAnswerBody.self).results
            #expect(results.count { $0.receipt != nil } == Self.names.count - 1)
            #expect(results[4].error?.code == .conflict)
            try await Self.delivered(depot)
            #expect(depot.replicas[0].recordCount <= 5, "of nine names")
        }
    }

    @Test func `a batch that is damaged or lost is brought back as it was`() async throws {
        try await Self.run { depot in
            let batch = try #require(Self.batches(of: depot.replicas[1]).first)
            depot.replicas[1].corrupt(.record(batch))
            depot.replicas[2].state.withLock { $0.objects[.record(batch)] = nil }
            let found = try await depot.verify()
            #expect(found.exitCode == 1)
            let listed = found.problems.filter { $0.object == .record(batch) }
            #expect(listed.count == 2)
            #expect(listed.allSatisfy { $0.files.count == Self.names.count })
            try await Self.delivered(depot)
            #expect(try await depot.verify().exitCode == 0)
            #expect(depot.replicas.allSatisfy { $0.records.count == Self.names.count })
        }
    }

    private static func batches(of replica: FakeReplica) -> Set<ChunkID> {
        replica.state.withLock { state in
            Set(
                state.objects.filter { id, entry in
                    let records = (try? RecordBatch.records(in: entry.bytes)) ?? []
                    return id.kind == .record && records.count > 1
                }.keys.map(\.hash))
        }
    }
}
