import DepotCore
import DepotServer
import DepotTestSupport
import DepotUpkeep
import DepotWire
import NIOCore
import Testing

/// What only a minority of the replicas says.
extension RebuildTests {
    /// Whoever can write to one disk wrote a record with a higher sequence: the file was replaced, or buried, with exit
    /// code 0, and nobody was told. One replica's word is told of, and nothing is changed without a yes.
    @Test(arguments: [false, true])
    func `the newest word of a minority is told of, and taken only with a yes`(
        _ isDeletion: Bool
    ) async throws {
        let (sound, wrong) = (
            TestDepositor.data(9_000, seed: 107), TestDepositor.data(8_000, seed: 108)
        )
        let replicas = (0..<3).map { _ in FakeReplica() }
        try await TestDepot.inFolder { old in
            try await TestDepot.start(on: replicas, in: old) { depot in
                try await depot.ready()
                for name in ["file", "other"] { try await depot.deposit(name, sound, level: 3) }
                try await depot.deposit("bait", wrong, level: 3)
                try await depot.eventually("all know all members, and all records") {
                    let isSent = try await depot.catalog.outbox(limit: 1).isEmpty
                    return isSent
                        && replicas.allSatisfy { replica in
                            replica.state.withLock { $0.membership?.members.count == 3 }
                        }
                }
                let bait = try await depot.catalog.file(FileName("bait"))
                let forged = try await Self.forged("file", as: isDeletion ? nil : bait, depot)
                try await replicas[1].put([forged])
            }
            let error = await expectError(.conflict) {
                try await TestDepot.inFolder { new in
                    _ = try await TestDepot.rebuild(replicas, in: new, acceptMissing: false)
                }
            }
            let word = isDeletion ? " (deleted)" : ""
            let expected =
                "\n  file 00000001-0000000000001000\(word): said by \(Self.name(1)), 2 are needed; "
                + "otherwise \(Self.name(0)) (00000001-0000000000000001), "
                + "\(Self.name(2)) (00000001-0000000000000001)"
            #expect(error?.message.hasSuffix(expected) == true, "\(error)")
            #expect(error?.message.contains("--accept-minority") == true)
            let epochs = replicas.map { replica in replica.state.withLock { $0.membership?.epoch } }
            #expect(epochs == [1, 1, 1], "nothing was changed")

            try await TestDepot.inFolder { new in
                let report = try await TestDepot.rebuild(
                    replicas, in: new, acceptMissing: false, acceptMinority: true)
                #expect(report.minorityWords == 1)
                #expect(report.minorityWordsListed.first?.name.text == "file")
                try await TestDepot.start(on: replicas, in: new) { depot in
                    let content = try await depot.content("file")
                    #expect(isDeletion ? content.status == 404 : content.body == wrong)
                    #expect(try await depot.content("other").body == sound)
                }
            }
        }
    }

    /// The tombstone of a file was acknowledged by two that are gone, while a third was away: the three that are there
    /// have the file by a majority, and nobody else to ask.
    @Test func `a commit of which only missing members have the record is told of`() async throws {
        let replicas = (0..<5).map { _ in FakeReplica() }
        let data = TestDepositor.data(3_000, seed: 113)
        try await TestDepot.inFolder { folder in
            try await TestDepot.start(on: replicas, in: folder) { depot in
                try await depot.ready()
                try await depot.deposit("file", data, level: 5)
                try await depot.eventually("all know all members, and its record is everywhere") {
                    let isSent = try await depot.catalog.outbox(limit: 1).isEmpty
                    return isSent
                        && replicas.allSatisfy { replica in
                            replica.state.withLock { $0.membership?.members.count == 5 }
                        }
                }
                let broken = DepotError(.unreachable, "the connection ended")
                for link in depot.links.dropFirst(3) {
                    link.inject(.refuse(broken), into: .put, calls: .all)
                }
                let status = try await depot.http.call(.DELETE, "/v1/files/file").status
                #expect(status == 204)
            }
        }
        // Of those with the tombstone one is there, and lost it.
        let left = Array(replicas[2...])
        left[0].state.withLock { state in
            for (id, entry) in state.objects where id.kind == .record {
                let records = (try? RecordBatch.records(in: entry.bytes)) ?? []
                if case .deleted? = records.first?.content { state.objects[id] = nil }
            }
        }
        try await TestDepot.inFolder { folder in
            let report = try await TestDepot.rebuild(left, in: folder, acceptMissing: true)
            #expect(report.missing.count == 2 && report.files == 1)
            #expect(report.newestKnown != nil)
        }
        try await TestDepot.inFolder { folder in
            let report = try await TestDepot.rebuild(
                replicas, in: folder, acceptMissing: false, acceptMinority: true)
            #expect(report.newestKnown == nil && report.files == 0)
        }
    }

    /// The same sequence twice: which of the two is looked at must not depend on who asks.
    @Test(arguments: [false, true])
    func `another record with the newest one's sequence is told of, or passed over`(
        comesFirst: Bool
    ) async throws {
        let (sound, wrong) = (
            TestDepositor.data(9_000, seed: 111), TestDepositor.data(8_000, seed: 112)
        )
        let replicas = (0..<3).map { _ in FakeReplica() }
        try await TestDepot.inFolder { old in
            try await TestDepot.start(on: replicas, in: old) { depot in
                try await depot.ready()
                try await depot.deposit("file", sound, level: 3)
                try await depot.deposit("bait", wrong, level: 3)
                try await depot.eventually("all know all records") {
                    try await depot.catalog.outbox(limit: 1).isEmpty
                }
                let bait = try await depot.catalog.file(FileName("bait"))
                let newest = try #require(try await depot.catalog.record(of: FileName("file")))
                let forged = try #require(
                    (0..<1_000).lazy.map { time in
                        FileRecord(
                            cluster: newest.record.cluster, name: newest.record.name,
                            sequence: newest.record.sequence, time: time,
                            content: .file(
                                level: .three, manifest: bait.manifest, size: bait.size,
                                metadata: FileMetadata()))
                    }.first { ($0.objectID < newest.record.objectID) == comesFirst })
                try await replicas[1].put([forged.encoded()])
            }
        }
        guard !comesFirst else {
            let error = await expectError(.conflict) {
                try await TestDepot.inFolder { new in
                    _ = try await TestDepot.rebuild(replicas, in: new, acceptMissing: false)
                }
            }
            #expect(error?.message.contains("\n  file ") == true, "\(error)")
            try await TestDepot.inFolder { new in
                _ = try await TestDepot.rebuild(
                    replicas, in: new, acceptMissing: false, acceptMinority: true)
                try await TestDepot.start(on: replicas, in: new) { depot in
                    let content = try await depot.content("file")
                    #expect(content.body == wrong, "as it was said")
                    _ = try await depot.verify()
                    let refused = try await depot.collect().status
                    #expect(refused == 409)
                    let kept = replicas[0].records.count { $0.name.text == "file" }
                    #expect(kept >= 1, "what a majority says stays")
                }
            }
            return
        }
        try await TestDepot.inFolder { new in
            let report = try await TestDepot.rebuild(replicas, in: new, acceptMissing: false)
            #expect(report.minorityWords == 0)
            try await TestDepot.start(on: replicas, in: new) { depot in
                let content = try await depot.content("file")
                #expect(content.body == sound)
            }
        }
    }

    /// A record that nobody committed: the name's newest, with another file's content or none.
    private static func forged(
        _ name: String, as file: FileEntry?, _ depot: TestDepot
    ) async throws -> VerifiedObject {
        let content =
            file.map {
                FileRecord.Content.file(
                    level: .three, manifest: $0.manifest, size: $0.size, metadata: FileMetadata())
            } ?? .deleted(level: .three)
        return FileRecord(
            cluster: try await depot.catalog.cluster().cluster, name: try FileName(name),
            sequence: CommitSequence(epoch: 1, counter: 1_000), time: 0, content: content
        ).encoded()
    }

    /// A catalog is rebuilt without a replica, and takes over what that one knows better when it returns: it took over what
    /// nobody else said, too.
    @Test func `the word of one that returns is taken over where it does not stand alone`()
        async throws
    {
        let (sound, wrong) = (
            TestDepositor.data(9_000, seed: 116), TestDepositor.data(8_000, seed: 117)
        )
        let replicas = (0..<3).map { _ in FakeReplica() }
        try await TestDepot.inFolder { old in
            var words: [VerifiedObject] = []
            try await TestDepot.start(on: replicas, in: old) { depot in
                try await depot.ready()
                for name in ["alone", "shared"] { try await depot.deposit(name, sound, level: 3) }
                try await depot.deposit("bait", wrong, level: 3)
                try await depot.eventually("all know all members, and all records") {
                    let isSent = try await depot.catalog.outbox(limit: 1).isEmpty
                    return isSent
                        && replicas.allSatisfy { replica in
                            replica.state.withLock { $0.membership?.members.count == 3 }
                        }
                }
                let bait = try await depot.catalog.file(FileName("bait"))
                words = [
                    try await Self.forged("alone", as: bait, depot),
                    try await Self.forged("shared", as: bait, depot),
                ]
            }
            try await replicas[2].put(words)
            replicas[2].mood = .unreachable
            try await TestDepot.inFolder { new in
                let report = try await TestDepot.rebuild(replicas, in: new, acceptMissing: true)
                #expect(report.files == 3 && report.minorityWords == 0)
                try await replicas[0].put([words[1]])
                replicas[2].mood = .well
                try await TestDepot.start(on: replicas, in: new) { depot in
                    try await depot.eventually("the shared word is taken over") {
                        try await depot.content("shared").body == wrong
                    }
                    #expect(try await depot.content("alone").body == sound)
                    // What nobody can judge keeps everything where it is.
                    #expect(try await depot.collect().error?.code == .conflict)
                    try await depot.expectUnexplained("alone")
                }
            }
        }
    }

    private static func name(_ number: Int) -> String {
        TestDepot.url(number).split(separator: "/").last.map(String.init) ?? ""
    }

    /// All but one have lost their records: an honest minority, as far as anybody can tell.
    @Test func `a record that rotted elsewhere is no minority's, one that went elsewhere is`()
        async throws
    {
        let replicas = (0..<3).map { _ in FakeReplica() }
        try await TestDepot.inFolder { old in
            try await TestDepot.start(on: replicas, in: old) { depot in
                try await depot.ready()
                try await depot.deposit("file", TestDepositor.data(9_000, seed: 109), level: 3)
                try await depot.eventually("all know all members, and all records") {
                    let isSent = try await depot.catalog.outbox(limit: 1).isEmpty
                    return isSent
                        && replicas.allSatisfy { replica in
                            replica.state.withLock { $0.membership?.members.count == 3 }
                        }
                }
            }
            let record = try #require(
                replicas[0].state.withLock { $0.objects.keys.first { $0.kind == .record } })
            for replica in replicas.prefix(2) { replica.corrupt(record) }
            try await TestDepot.inFolder { new in
                let report = try await TestDepot.rebuild(replicas, in: new, acceptMissing: false)
                #expect(report.files == 1 && report.minorityWords == 0)
            }
            for replica in replicas.prefix(2) {
                replica.state.withLock { _ = $0.objects.removeValue(forKey: record) }
            }
            let error = await expectError(.conflict) {
                try await TestDepot.inFolder { new in
                    _ = try await TestDepot.rebuild(replicas, in: new, acceptMissing: false)
                }
            }
            #expect(error?.message.contains("no other knows the name") == true, "\(error)")
        }
    }
}

extension TestDepot {
    /// Whoever reads is told of a file that the catalog cannot explain; whoever only observes is
    /// told the same without its name.
    fileprivate func expectUnexplained(_ name: String) async throws {
        try await eventually("status names the file") {
            try await status().problem?.contains("'\(name)' among them") == true
        }
        let observer = showing(try await token("prometheus", .observe))
        let told = try await observer.call(.GET, "/v1/status")
        let problem = try #require(try told.json(StatusBody.self).problem)
        #expect(problem.contains("that the catalog cannot explain; run"))
        #expect(!String(buffer: told.body).contains(name))
        let metrics = String(buffer: try await observer.call(.GET, "/metrics").body)
        #expect(metrics.contains("\ndepot_catalog_unexplained 1\n"))
        #expect(!metrics.contains(name))
    }
}
