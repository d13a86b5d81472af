import DepotTestSupport
import Foundation
import Testing

/// Kills one daemon after the other, and starts each again a moment later.
struct Killer {
    /// Of the FileServer; the others are the replicas' numbers.
    private static let server = KillLoop.replicas
    private static let pause = 150...600
    /// Some are away for longer than a client waits between two tries.
    private static let absence = 0...700
    /// Of so many times that the FileServer is killed one is used for a trial of its data folder.
    private static let killsPerTrial = 8

    let depot: Composition
    private let rebuilds: Rebuilds
    private var random: SeededGenerator
    private var serverKills = 0

    init(_ depot: Composition, _ rebuilds: Rebuilds, seed: UInt64) {
        self.depot = depot
        self.rebuilds = rebuilds
        random = SeededGenerator(seed: seed)
    }

    mutating func run(kills: Int, goOn: @escaping @Sendable () -> Bool) async throws {
        try await withThrowingTaskGroup(of: Int.self) { group in
            var up = Set(0...Self.server)
            for _ in 0..<kills where goOn() {
                try await Task.sleep(for: .milliseconds(Int.random(in: Self.pause, using: &random)))
                // One that is being started is killed again when it is up.
                let victim = Int.random(in: 0...Self.server, using: &random)
                while !up.contains(victim), let started = try await group.next() {
                    up.insert(started)
                }
                if let trial = nextTrial(victim) {
                    while let started = try await group.next() { up.insert(started) }
                    try await kill(victim)
                    try await trial.run(on: depot, rebuilds)
                    continue
                }
                up.remove(victim)
                try await kill(victim)
                let absence = Int.random(in: Self.absence, using: &random)
                let depot = depot
                group.addTask {
                    try await Task.sleep(for: .milliseconds(absence))
                    try await Self.start(victim, depot)
                    return victim
                }
            }
            for try await _ in group {}
        }
    }

    /// One after the other.
    private mutating func nextTrial(_ victim: Int) -> FolderTrial? {
        guard victim == Self.server else { return nil }
        serverKills += 1
        guard serverKills % Self.killsPerTrial == 0 else { return nil }
        let trials = FolderTrial.allCases
        return trials[serverKills / Self.killsPerTrial % trials.count]
    }

    private func kill(_ victim: Int) async throws {
        if victim == Self.server {
            try await depot.stopServer(SIGKILL)
        } else {
            try await depot.stopReplica(victim, SIGKILL)
        }
    }

    private static func start(_ victim: Int, _ depot: Composition) async throws {
        if victim == server {
            try await depot.startServer()
        } else {
            try await depot.startReplica(victim)
        }
    }
}
