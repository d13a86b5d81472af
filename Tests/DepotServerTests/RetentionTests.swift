import DepotCore
import DepotWire
import Foundation
import NIOCore
import Testing

/// Locks, policies, purges and what is brought back are changes as deposits are: known to a majority, or refused.
@Suite struct RetentionTests {
    private static let changes: [String: @Sendable (TestDepot) async throws -> HTTPCaller.Answer] =
        [
            "lock": { depot in
                let change = try LockChange(until: nil, isHeld: true)
                return try await post(depot, "file/lock", LockRequestBody(sequence: nil, change))
            },
            "revert": { depot in try await post(depot, "gone/revert", RevertBody(sequence: nil)) },
            "purge": { depot in try await post(depot, "file/purge", nil as RevertBody?) },
            "policy": { depot in try await setPolicy("file", depot) },
        ]

    private static func setPolicy(
        _ prefix: String, _ depot: TestDepot
    ) async throws -> HTTPCaller.Answer {
        let policy = PolicyBody(try VersionPolicy(days: 30, last: 0))
        return try await depot.http.call(
            .PUT, "\(FileServerRoute.policies)?prefix=\(prefix)", headers: header,
            body: [try WireJSON.encode(policy)])
    }

    /// Of whoever asks again, and means the same.
    private static let request = RequestID.random()
    private static var header: [(String, String)] { [(FileServerRoute.request, "\(request)")] }

    private static func post(
        _ depot: TestDepot, _ path: String, _ body: (some Encodable)?
    ) async throws -> HTTPCaller.Answer {
        try await depot.http.call(
            .POST, "/v1/files/\(path)", headers: header,
            body: try body.map { [try WireJSON.encode($0)] } ?? [])
    }

    /// A file that has a version, and a name that is deleted; all of it where it belongs.
    private static func furnish(_ depot: TestDepot) async throws {
        #expect(try await setPolicy("", depot).status == 200)
        for seed in 1...2 {
            let data = TestDepositor.data(9_000, seed: UInt64(seed))
            for name in ["file", "gone"] { try await depot.deposit(name, data, level: 3) }
        }
        let deleted = try await depot.http.call(.DELETE, "/v1/files/gone")
        #expect(deleted.status == 204)
        try await depot.eventually("all records are where they belong") {
            try await depot.catalog.outbox(limit: 1).isEmpty
        }
    }

    private static func words(of name: String, _ depot: TestDepot) async throws -> [FileWord] {
        try await depot.catalog.versions(of: FileName(name), before: nil, limit: 9)
    }

    @Test(arguments: changes.keys.sorted())
    func `a change that too few know of is no change, and is one when it is asked for again`(
        _ name: String
    ) async throws {
        let change = try #require(Self.changes[name])
        try await TestDepot.run(replicas: 3) { depot in
            try await Self.furnish(depot)
            for replica in depot.replicas[1...] { replica.mood = .fullToTheEnd }
            for _ in 0..<2 {
                #expect(try await change(depot).error?.code == .notEnoughReplicas)
                // A version is forgotten when it is known that it is to be.
                #expect(try await Self.words(of: "file", depot).count == 2)
            }
            for replica in depot.replicas[1...] { replica.mood = .well }
            for _ in 0..<2 {
                let answer = try await change(depot)
                #expect(answer.status == 200, "\(answer)")
            }
            let words = try await Self.words(of: "file", depot)
            #expect(words.count == (name == "purge" ? 1 : 2))
            #expect((words[0].lock != nil) == (name == "lock"))
            #expect(
                try await Self.words(of: "gone", depot)[0].content != .deleted || name != "revert")
            let policies = try await depot.catalog.policies()
            #expect(policies.entries.count == (name == "policy" ? 2 : 1))
        }
    }

    @Test(arguments: changes.keys.sorted())
    func `without a majority nothing is begun`(_ name: String) async throws {
        let change = try #require(Self.changes[name])
        try await TestDepot.run(replicas: 3) { depot in
            try await Self.furnish(depot)
            let before = try await Self.words(of: "file", depot).map(\.sequence)
            for replica in depot.replicas[1...] { replica.mood = .unreachable }
            for replica in 1...2 { try await depot.awaitState(.down, of: replica) }
            #expect(try await change(depot).error?.code == .notEnoughReplicas)
            #expect(try await Self.words(of: "file", depot).map(\.sequence) == before)
            #expect(try await depot.catalog.outbox(limit: 1).isEmpty)
        }
    }
}
