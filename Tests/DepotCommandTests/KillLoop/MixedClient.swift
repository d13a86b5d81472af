import DepotTestSupport
import Foundation

/// A client that does one thing after the other with names of its own, and knows what may have become of them.
struct MixedClient {
    struct Wrong: Error, CustomStringConvertible {
        let description: String
    }

    /// How an operation may end while daemons die: done, or an error that says so.
    private static let patient: Set<Int32> = [0, 3, 4, 5, 8]
    private static let namesPerClient = 8
    /// Longer than a daemon is away, and shorter than the default, so that much happens.
    private static let patience = ["--patience", "6s"]

    let number: Int
    let depot: Composition
    let contents: SharedContents
    private(set) var model: FileModel
    private var random: SeededGenerator
    private(set) var counts: [String: Int] = [:]
    private var draining: Int?

    init(_ number: Int, _ depot: Composition, _ contents: SharedContents, seed: UInt64) {
        self.number = number
        self.depot = depot
        self.contents = contents
        model = FileModel(names: (0..<Self.namesPerClient).map { "client\(number)/file\($0)" })
        random = SeededGenerator(seed: seed &+ UInt64(number) &* 7_919)
    }

    /// - Throws: `Wrong` for what must not be.
    mutating func step() async throws {
        let name = model.names[Int.random(in: 0..<Self.namesPerClient, using: &random)]
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<36: try await deposit(name)
        case 36..<56: try await retrieve(name)
        case 56..<68: try await changeLevel(name)
        case 68..<77: try await delete(name)
        case 77..<83: try await list()
        case 83..<88: try await verify()
        case 88..<94: try await collect()
        default: try await drain()
        }
    }

    // MARK: Operations

    private mutating func deposit(_ name: String) async throws {
        let content = Int.random(in: 0..<SharedContents.count, using: &random)
        let level = Int.random(in: 1...4, using: &random)
        let outcome = try await run(["deposit", contents.paths[content], "\(level)", "--as", name])
        model.note(name, "deposit of content \(content) at \(level): \(said(outcome))")
        if outcome.status == 0 {
            model.acknowledge(name, content)
        } else {
            model.failed(name, content)
        }
    }

    private mutating func retrieve(_ name: String) async throws {
        let path = depot.newPath()
        defer { unlink(path) }
        let outcome = try await run(["retrieve", name, "-o", path], alsoAllowed: [2])
        if outcome.status == 0 {
            try expect(try Data(contentsOf: URL(fileURLWithPath: path)), under: name)
        } else if outcome.status == 3, model.mustExist(name) {
            throw wrong(name, "it was not found")
        }
    }

    private mutating func changeLevel(_ name: String) async throws {
        let level = Int.random(in: 1...4, using: &random)
        let outcome = try await run(["change-replication", name, "\(level)"], alsoAllowed: [2])
        model.note(name, "level \(level): \(said(outcome))")
        if outcome.status == 3, model.mustExist(name) { throw wrong(name, "it was not found") }
    }

    private mutating func delete(_ name: String) async throws {
        let outcome = try await run(["delete", name])
        model.note(name, "delete: \(said(outcome))")
        switch outcome.status {
        // Not found is what a repeated request hears when the first one was done but not answered.
        case 0, 3: model.acknowledge(name, nil)
        default: model.failed(name, nil)
        }
    }

    private mutating func list() async throws {
        let outcome = try await run(["list", "client\(number)/"])
        guard outcome.status == 0 else { return }
        let listed = try JSONDecoder().decode(Listing.self, from: outcome.output).files.map(\.name)
        for name in model.names {
            if model.mustExist(name), !listed.contains(name) {
                throw wrong(name, "it is not listed")
            }
            if !model.mayExist(name), listed.contains(name) { throw wrong(name, "it is listed") }
        }
    }

    /// A killed process leaves nothing corrupt behind.
    private mutating func verify() async throws {
        let outcome = try await run(["verify", "--unpaced"], alsoAllowed: [1, 2])
        guard outcome.status < 3 else { return }
        let report = try JSONDecoder().decode(Verified.self, from: outcome.output).verification
        let bad = report.problems.filter { $0.kind != "missing" }
        guard bad.isEmpty else { throw Wrong(description: "verify found damage: \(bad)") }
    }

    private mutating func collect() async throws {
        _ = try await run(["collect", "--grace", "1s"])
    }

    /// Begins to empty a replica, or stops emptying the one that it began with: one client, one replica.
    private mutating func drain() async throws {
        guard number == 0 else { return try await collect() }
        if let replica = draining {
            let outcome = try await run(["drain", "r\(replica)", "--stop"])
            if outcome.status == 0 { draining = nil }
        } else {
            let replica = Int.random(in: 0..<KillLoop.replicas, using: &random)
            draining = replica
            _ = try await run(["drain", "r\(replica)", "--no-wait"])
        }
    }

    // MARK: The end

    /// Everything is up again, so every name has to answer with what may be there.
    func expectAcknowledged() async throws {
        for name in model.names {
            let path = depot.newPath()
            defer { unlink(path) }
            let process = try depot.start(["retrieve", name, "-o", path, "--json"])
            let outcome = try await process.outcome()
            depot.discard(process)
            switch outcome.status {
            case 0: try expect(try Data(contentsOf: URL(fileURLWithPath: path)), under: name)
            case 3 where !model.mustExist(name): break
            default: throw wrong(name, "in the end: \(said(outcome))")
            }
        }
    }

    private func expect(_ bytes: Data, under name: String) throws {
        for case let content? in model.allowed(name) where try contents.bytes(content) == bytes {
            return
        }
        throw wrong(name, "\(bytes.count) bytes came that nobody may have deposited there")
    }

    private func wrong(_ name: String, _ what: String) -> Wrong {
        let allowed = model.allowed(name).map { $0.map { "content \($0)" } ?? "nothing" }
        return Wrong(
            description:
                "\(name): \(what); allowed: \(allowed.joined(separator: ", ")); history:\n  "
                + model.history(of: name))
    }

    // MARK: Processes

    private mutating func run(
        _ arguments: [String], alsoAllowed: Set<Int32> = []
    ) async throws -> ChildProcess.Outcome {
        let process = try depot.start(arguments + Self.patience + ["--json"])
        let outcome = try await process.outcome(within: .seconds(240))
        depot.discard(process)
        counts["\(arguments[0]) \(outcome.status)", default: 0] += 1
        guard Self.patient.union(alsoAllowed).contains(outcome.status) else {
            throw Wrong(description: "\(arguments) ended with \(said(outcome))")
        }
        return outcome
    }

    private func said(_ outcome: ChildProcess.Outcome) -> String {
        outcome.status == 0
            ? "done"
            : "\(outcome.status): \(outcome.text.prefix(600))\(outcome.complaint.prefix(600))"
    }
}
