import DepotCore
import DepotSQLiteCatalog
import DepotServer
import DepotTestSupport
import DepotUpkeep
import DepotWire
import FoundationEssentials
import Logging
import NIOCore
import Testing

@Suite struct RebuildTests {
    /// Runs a FileServer, takes its catalog away, rebuilds, and runs another one.
    private static func run(
        replicas count: Int = 3, acceptMissing: Bool = false,
        before: (TestDepot) async throws -> Void,
        between: ([FakeReplica], _ old: String) async throws -> Void = { _, _ in },
        report check: (RebuildReport) throws -> Void = { _ in },
        after: (TestDepot) async throws -> Void
    ) async throws {
        let replicas = (0..<count).map { _ in FakeReplica() }
        try await TestDepot.inFolder { old in
            try await TestDepot.start(on: replicas, in: old) { depot in
                try await depot.ready()
                try await before(depot)
                try await depot.eventually("records are where they belong") {
                    try await depot.catalog.outbox(limit: 1).isEmpty
                }
                try await depot.eventually("members know of each other") {
                    replicas.allSatisfy { replica in
                        replica.state.withLock { $0.membership?.members.count == count }
                    }
                }
            }
            try await between(replicas, old)
            try await TestDepot.inFolder { new in
                try check(
                    try await TestDepot.rebuild(replicas, in: new, acceptMissing: acceptMissing))
                try await TestDepot.start(on: replicas, in: new, after)
            }
        }
    }

    @Test func `every file comes back with its level and metadata, and deleted ones do not`()
        async throws
    {
        let contents = (0..<4).map {
            TestDepositor.data(20_000 + $0 * 7_000, seed: 100 + UInt64($0))
        }
        try await Self.run(
            before: { depot in
                for (level, data) in contents.prefix(3).enumerated() {
                    let answer = try await depot.http.call(
                        .PUT, "/v1/files/dir/file%20\(level)?level=\(level + 1)",
                        headers: [("Content-Type", "text/x-\(level)")], body: [data])
                    #expect(answer.status == 200 || answer.status == 201)
                }
                try await depot.deposit("gone", contents[3], level: 3)
                #expect(try await depot.http.call(.DELETE, "/v1/files/gone").status == 204)
                try await depot.deposit("again", contents[0], level: 2)
                try await depot.deposit("again", contents[1], level: 2)
            },
            report: { report in
                #expect(report.isComplete)
                #expect(report.files == 4 && report.tombstones == 1 && report.epoch == 2)
            },
            after: { depot in
                try await depot.ready()
                for (level, data) in contents.prefix(3).enumerated() {
                    let answer = try await depot.content("dir/file%20\(level)")
                    #expect(answer.body == data)
                    #expect(answer.headers.first(name: "Content-Type") == "text/x-\(level)")
                    #expect(
                        try await depot.info("dir/file%20\(level)").file.level.copies == level + 1)
                }
                #expect(try await depot.content("gone").status == 404)
                #expect(try await depot.content("again").body == contents[1])
                #expect(try await depot.verify().exitCode == 0)
                // Nothing of the files is collected.
                #expect(try await depot.collect().status == 200)
                #expect(try await depot.content("again").body == contents[1])
                try await depot.deposit("new", contents[3], level: 3)
                let newest = try await depot.catalog.file(FileName("new"))
                #expect(newest.sequence.epoch == 2)
            })
    }

    @Test func `a file whose list of chunks is in pieces comes back`() async throws {
        // More lines than one manifest takes, of ten chunks.
        let chunks = (0..<10).map { VerifiedObject(hashing: ByteBuffer(string: "chunk \($0)")) }
        let count = 65_000
        try await Self.run(
            before: { depot in
                var builder = ManifestBuilder()
                var pieces: [VerifiedObject] = []
                for index in 0..<count {
                    let piece = try builder.append(ChunkReference(chunks[index % 10]))
                    if let piece { pieces.append(piece) }
                }
                let manifest = builder.finish()
                pieces += manifest.objects
                let depositor = TestDepositor(depot)
                #expect(try await depositor.open(level: 1).status == 200)
                _ = try await depositor.negotiate(chunks + pieces)
                for batch in [chunks] + pieces.map({ [$0] }) {
                    #expect(try await depositor.upload(batch).status == 200)
                }
                let lacking = try TestDepositor.lacking(
                    try await depositor.barrier(chunks + pieces))
                #expect(lacking.isEmpty)
                let answer = try await depositor.commit("pieces", manifest)
                #expect(try answer.json(CommitAnswerBody.self).results.first?.receipt != nil)
            },
            report: { #expect($0.isComplete && $0.files == 1) },
            after: { depot in
                let end = try await depot.http.call(
                    .GET, "/v1/files/pieces/content",
                    headers: [("Range", "bytes=\(7 * (count - 2))-")])
                #expect(String(buffer: end.body) == "chunk 8chunk 9")
            })
    }

    @Test func `where the newest version lacks a chunk the one before comes back and is listed`()
        async throws
    {
        let (old, new) = (
            TestDepositor.data(20_000, seed: 102), TestDepositor.data(20_000, seed: 103)
        )
        try await Self.run(
            before: { depot in
                try await depot.deposit("file", old, level: 3)
                try await depot.deposit("file", new, level: 3)
                try await depot.deposit("only", TestDepositor.data(9_000, seed: 104), level: 3)
            },
            between: { replicas, _ in
                let lost = try [new, TestDepositor.data(9_000, seed: 104)].map {
                    try TestDepositor.file($0).chunks[0].id.hash
                }
                for replica in replicas { for chunk in lost { replica.lose(chunk) } }
            },
            report: { report in
                #expect(report.olderVersions == 1 && report.incomplete == 1)
                #expect(report.olderVersionsListed.first?.name.text == "file")
                #expect(report.incompleteListed.first?.name.text == "only")
                #expect(report.incompleteListed.first?.problem.contains("no replica holds") == true)
                #expect(!report.isComplete)
            },
            after: { depot in
                let restored = try await depot.content("file")
                #expect(restored.body == old)
                let incomplete = try await depot.content("only")
                #expect(incomplete.status == 404)
            })
    }

    @Test func `damaged records are passed over while one sound copy is left, else listed`()
        async throws
    {
        let data = TestDepositor.data(9_000, seed: 105)
        try await Self.run(
            before: { depot in
                for name in ["a", "b"] { try await depot.deposit(name, data, level: 3) }
            },
            between: { replicas, _ in
                let records = try #require(replicas.first).state.withLock { state in
                    state.objects.keys.filter { $0.kind == .record }.sorted()
                }
                for replica in replicas.dropLast() { replica.corrupt(records[0]) }
                for replica in replicas { replica.corrupt(records[1]) }
                // Of another cluster: no business of ours.
                let foreign = FileRecord(
                    cluster: .random(), name: try FileName("foreign"),
                    sequence: CommitSequence(epoch: 7, counter: 7), time: 0,
                    content: .deleted(level: .three))
                try await replicas[0].put([foreign.encoded()])
            },
            report: { report in
                #expect(report.files == 1 && report.unreadableRecords == 1)
                #expect(report.foreignRecords == 1)
            },
            after: { depot in
                let answers = [
                    try await depot.content("a").status, try await depot.content("b").status,
                ]
                #expect(answers.sorted() == [200, 404])
                #expect(try await depot.content("foreign").status == 404)
            })
    }

    @Test func `a majority has to be there, and all of them unless it is accepted`() async throws {
        let replicas = (0..<5).map { _ in FakeReplica() }
        try await TestDepot.inFolder { old in
            try await TestDepot.start(on: replicas, in: old) { depot in
                try await depot.ready()
                try await depot.eventually("members know of each other") {
                    replicas.allSatisfy { replica in
                        replica.state.withLock { $0.membership?.members.count == 5 }
                    }
                }
            }
            func epochs() -> [UInt32?] {
                replicas.map { replica in replica.state.withLock { $0.membership?.epoch } }
            }
            for replica in replicas.suffix(3) { replica.mood = .unreachable }
            await expectError(.notEnoughReplicas) {
                try await TestDepot.inFolder { new in
                    _ = try await TestDepot.rebuild(replicas, in: new, acceptMissing: true)
                }
            }
            replicas[2].mood = .well
            await expectError(.notEnoughReplicas) {
                try await TestDepot.inFolder { new in
                    _ = try await TestDepot.rebuild(replicas, in: new, acceptMissing: false)
                }
            }
            #expect(epochs() == [1, 1, 1, 1, 1])
            try await TestDepot.inFolder { new in
                let report = try await TestDepot.rebuild(replicas, in: new, acceptMissing: true)
                #expect(Set(report.missing) == Set(replicas.suffix(2).map(\.id)))
                #expect(epochs() == [2, 2, 2, 1, 1])
            }
        }
    }

    @Test func `after a rebuild the old FileServer is refused, and changes nothing`() async throws {
        let data = TestDepositor.data(9_000, seed: 106)
        let replicas = (0..<3).map { _ in FakeReplica() }
        try await TestDepot.inFolder { old in
            try await TestDepot.start(on: replicas, in: old) { depot in
                try await depot.ready()
                try await depot.deposit("file", data, level: 3)
                try await depot.eventually("all know all members") {
                    replicas.allSatisfy { replica in
                        replica.state.withLock { $0.membership?.members.count == 3 }
                    }
                }
                try await TestDepot.inFolder { new in
                    _ = try await TestDepot.rebuild(replicas, in: new, acceptMissing: false)
                }
                for index in replicas.indices { try await depot.awaitState(.refused, of: index) }
                let before = replicas.map { $0.state.withLock { $0.objects.keys.count } }
                let refused = try await TestDepositor(depot).open(level: 3)
                #expect(refused.error?.code == .notEnoughReplicas)
                #expect(refused.error?.message.contains("another catalog was rebuilt") == true)
                // It went on saying that nothing was wrong.
                #expect(try await depot.status().problem?.contains("read-only") == true)
                _ = try await depot.http.call(.DELETE, "/v1/files/file")
                _ = try await depot.collect()
                #expect(replicas.map { $0.state.withLock { $0.objects.keys.count } } == before)
            }
        }
    }
}
