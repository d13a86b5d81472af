import DepotCore
import DepotWire
import NIOCore
import Testing

/// Records that wait for replicas that are away.
@Suite struct OutboxTests {
    /// Each round took the oldest records again, whoever they waited for: behind enough of one replica's, a record that
    /// no majority had was not tried before that replica came back.
    @Test func `what waits for one replica keeps no later record from the others`() async throws {
        try await TestDepot.run(replicas: 3) { depot in
            try await depot.ready()
            let depositor = TestDepositor(depot)
            _ = try await depositor.open(level: 3)
            depot.replicas[2].mood = .unreachable
            try await depot.awaitState(.down, of: 2)
            // More than one walk through the outbox looks at in vain.
            for first in stride(from: 0, to: 4_608, by: 512) {
                let results = try await Self.commit(
                    (first..<first + 512).map { "early-\($0)" }, by: depositor)
                try #require(results.allSatisfy { $0.receipt != nil })
            }
            depot.replicas[1].mood = .fullToTheEnd
            let late = try await Self.commit(["late"], by: depositor)
            #expect(late.first?.error?.code == .notEnoughReplicas)
            #expect(depot.replicas[1].records.count == 4_608)
            depot.replicas[1].mood = .well
            try await depot.eventually("the late record is on the one that has room again") {
                depot.replicas[1].records.count == 4_609
            }
            depot.replicas[2].mood = .well
            try await depot.eventually("nothing waits any more") {
                try await depot.catalog.outbox(limit: 1).isEmpty
            }
            #expect(depot.replicas[2].records.count == 4_609)
        }
    }

    private static func commit(
        _ names: [String], by depositor: TestDepositor
    ) async throws -> [CommitAnswerBody.Result] {
        let files = try names.map {
            CommitBody.File(
                name: try FileName($0), manifest: .empty, size: 0,
                metadata: FileMetadata())
        }
        let answer = try await depositor.http.call(
            .POST, "\(FileServerRoute.deposits)/\(depositor.deposit)/commits",
            body: [try WireJSON.encode(CommitBody(files: files))])
        return try answer.json(CommitAnswerBody.self).results
    }
}
