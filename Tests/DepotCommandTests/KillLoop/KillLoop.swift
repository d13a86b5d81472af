import Foundation
import Synchronization
import Testing

/// Several clients do everything that there is to do, while one daemon after the other is killed and started again. In
/// the end, what was acknowledged is there, byte for byte, and everything has its copies.
///
/// `Scripts/kill-loop` runs it for long, with a release build.
@Suite(.serialized)
struct KillLoop {
    static let replicas = 5
    private static let clients = 4

    private static let environment = ProcessInfo.processInfo.environment
    private static let kills = environment["DEPOT_KILLS"].flatMap { Int($0) } ?? 200
    private static let seed = environment["DEPOT_SEED"].flatMap { UInt64($0) } ?? 1

    private static var replay: String {
        "replay: DEPOT_KILLS=\(kills) DEPOT_SEED=\(seed) swift test --filter KillLoop"
    }

    @Test func `daemons that are killed all the time lose nothing that was acknowledged`()
        async throws
    {
        print("kill loop: \(Self.kills) kills, seed \(Self.seed)")
        do {
            try await Composition.with(
                replicas: Self.replicas,
                serve: [
                    "--repair-period", "1s", "--collection-grace", "1s", "--collection-period",
                    "5s", "--deposit-lease", "20s", "--loss-grace", "5s",
                ]
            ) { depot in
                let clients = try await run(depot)
                try await heal(depot)
                try await check(clients)
                try await expectNothingLeft(depot)
            }
        } catch {
            Issue.record("\(error)\n\(Self.replay)")
        }
    }

    private func run(_ depot: Composition) async throws -> [MixedClient] {
        let contents = try await SharedContents(seed: Self.seed, depot)
        let (end, rebuilds) = (End(), Rebuilds())
        var clients: [MixedClient] = []
        try await withThrowingTaskGroup(of: MixedClient?.self) { group in
            for number in 0..<Self.clients {
                group.addTask {
                    var client = MixedClient(
                        number, depot, contents, seed: Self.seed)
                    defer { end.come() }
                    while !end.hasCome { try await client.step() }
                    return client
                }
            }
            group.addTask {
                var killer = Killer(depot, rebuilds, seed: Self.seed)
                defer { end.come() }
                try await killer.run(kills: Self.kills) { !end.hasCome }
                return nil
            }
            for try await case let client? in group { clients.append(client) }
        }
        print("the catalog was made again \(rebuilds.count) times")
        Self.tell("operations", clients)
        return clients
    }

    private static func tell(_ what: String, _ clients: [MixedClient]) {
        let counts = clients.map(\.counts).reduce(into: [:]) { all, counts in
            all.merge(counts, uniquingKeysWith: +)
        }
        let told = counts.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
        print("\(what) and exit codes: \(told.joined(separator: ", "))")
    }

    /// Within a minute everything has its copies again; verify then has nothing to say.
    private func heal(_ depot: Composition) async throws {
        for number in 0..<Self.replicas {
            try await depot.awaitReplica(number, among: ["up", "draining"])
        }
        for number in 0..<Self.replicas {
            _ = try await depot.run(["drain", depot.name(ofReplica: number), "--stop"])
        }
        try await poll("every chunk to have its copies", within: .seconds(60)) {
            try await depot.client(["status"], as: Status.self).underReplicated == 0
        }
        let first = try await depot.verify(["--unpaced"])
        #expect([0, 1].contains(first.exitCode), "\(first)")
        let second = try await depot.verify(["--unpaced"])
        #expect(second.exitCode == 0, "\(second)")
    }

    private func check(_ clients: [MixedClient]) async throws {
        let checked = try await withThrowingTaskGroup(of: MixedClient.self) { group in
            for client in clients {
                group.addTask {
                    var client = client
                    try await client.expectAcknowledged()
                    try await client.purgeAll()
                    return client
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        Self.tell("in the end, checks", checked)
    }

    /// All names were purged, so nothing holds a chunk.
    private func expectNothingLeft(_ depot: Composition) async throws {
        try await poll("all that was purged to go", within: .seconds(60)) {
            _ = try await depot.client(["collect", "--grace", "0s"], as: Collected.self)
            let replicas = try await depot.client(["status"], as: Status.self).replicas
            return replicas.allSatisfy { $0.chunks == 0 }
        }
    }
}

/// Tells everybody that it is over: the kills are done, or something is wrong.
private final class End: Sendable {
    private let isOver = Atomic(false)

    var hasCome: Bool { isOver.load(ordering: .relaxed) }

    func come() { isOver.store(true, ordering: .relaxed) }
}
