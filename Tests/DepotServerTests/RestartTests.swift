import DepotCore
import DepotWire
import FoundationEssentials
import NIOCore
import Testing

@Suite struct RestartTests {
    enum Step: CaseIterable, Sendable {
        case open, negotiate, upload, barrier, commit
    }

    /// Runs one deposit with a new FileServer for each step, over the same catalog and replicas.
    @Test(arguments: [false, true])
    func `a deposit survives a restart of the FileServer between any two steps`(
        reopens: Bool
    ) async throws {
        let replicas = (0..<3).map { _ in FakeReplica() }
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "depot-restart-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let file = try TestDepositor.file(TestDepositor.data(64_000, seed: 20))
        let all = file.chunks + file.manifest.objects
        let deposit = DepositID.random()
        for step in Step.allCases {
            try await TestDepot.start(on: replicas, in: folder) { depot in
                let depositor = TestDepositor(depot, deposit: deposit)
                if reopens || step == .open {
                    #expect(try await depositor.open(level: 3).status == 200)
                }
                switch step {
                case .open: break
                case .negotiate: #expect(try await depositor.negotiate(all).count == all.count)
                case .upload: #expect(try await depositor.upload(all).status == 200)
                case .barrier:
                    // Nobody remembers where it was sent to: it is sent again.
                    let lacking = try TestDepositor.lacking(try await depositor.barrier(all))
                    #expect(lacking.count == all.count)
                    #expect(try await depositor.upload(all).status == 200)
                    #expect(try TestDepositor.lacking(try await depositor.barrier(all)).isEmpty)
                case .commit:
                    let answer = try await depositor.commit("file", file.manifest)
                    let result = try answer.json(CommitAnswerBody.self).results[0]
                    #expect(result.receipt?.copies == 3)
                }
            }
        }
    }

    @Test func `what may be fewer than all copies is not acknowledged by one who forgot the wish`()
        async throws
    {
        let replicas = (0..<3).map { _ in FakeReplica() }
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "depot-restart-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let file = try TestDepositor.file(TestDepositor.data(20_000, seed: 21))
        let all = file.chunks + file.manifest.objects
        let deposit = DepositID.random()
        try await TestDepot.start(on: replicas, in: folder) { depot in
            let depositor = TestDepositor(depot, deposit: deposit)
            _ = try await depositor.open(level: 3, requireAll: true)
        }
        replicas[2].mood = .unreachable
        try await TestDepot.start(on: replicas, in: folder) { depot in
            let depositor = TestDepositor(depot, deposit: deposit)
            _ = try await depositor.negotiate(all)
            _ = try await depositor.upload(all)
            #expect(try TestDepositor.lacking(try await depositor.barrier(all)).isEmpty)
            let answer = try await depositor.commit("file", file.manifest)
            let result = try answer.json(CommitAnswerBody.self).results[0]
            #expect(result.error?.code == .leaseEnded)
            #expect(try await depot.content("file").status == 404)
            // Said again, it may.
            _ = try await depositor.open(level: 3)
            let again = try await depositor.commit("file", file.manifest)
            #expect(try again.json(CommitAnswerBody.self).results[0].receipt?.copies == 2)
        }
    }

    @Test func `records that a restart left in the outbox reach their replicas`() async throws {
        let replicas = (0..<3).map { _ in FakeReplica() }
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "depot-restart-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await TestDepot.start(on: replicas, in: folder) { depot in
            replicas[2].mood = .unreachable
            try await depot.eventually("one is down") { try await depot.state(of: 2) == .down }
            try await depot.deposit("file", TestDepositor.data(9_000, seed: 22), level: 2)
            #expect(try await depot.catalog.outbox(limit: 10).count == 1)
        }
        #expect(replicas[2].recordCount == 0)
        replicas[2].mood = .well
        try await TestDepot.start(on: replicas, in: folder) { depot in
            try await depot.eventually("the outbox is empty") {
                try await depot.catalog.outbox(limit: 10).isEmpty
            }
        }
        #expect(replicas[2].recordCount == 1)
    }
}
