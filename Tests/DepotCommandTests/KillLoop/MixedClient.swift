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
    var model: FileModel
    var random: SeededGenerator
    /// Of operations, by what they are and their exit codes.
    private(set) var counts: [String: Int] = [:]
    private var draining: Int?
    /// The second in which the last operation began.
    private var began = 0
    /// Everything is up, so nothing may fail.
    private var isOver = false

    init(
        _ number: Int, _ depot: Composition, _ contents: SharedContents, seed: UInt64
    ) {
        self.number = number
        self.depot = depot
        self.contents = contents
        model = FileModel(
            names: (0..<Self.namesPerClient).map { "client\(number)/file\($0)" })
        random = SeededGenerator(seed: seed &+ UInt64(number) &* 7_919)
    }

    /// - Throws: `Wrong` for what must not be.
    mutating func step() async throws {
        let name = model.names[Int.random(in: 0..<Self.namesPerClient, using: &random)]
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<30: try await deposit(name)
        case 30..<42: try await retrieve(name)
        case 42..<52: try await changeLevel(name)
        case 52..<62: try await delete(name)
        case 62..<72: try await bringBack(name)
        case 72..<75: try await purge(name)
        case 75..<81: try await retrieveVersion(of: name)
        case 81..<86: try await retrieveAsOfThen(name)
        case 86..<90: try await list()
        case 90..<93: try await hold(name)
        case 93..<95: try await verify()
        case 95..<97: try await collect()
        default: try await drain()
        }
    }

    // MARK: Operations

    private mutating func deposit(_ name: String) async throws {
        let content = Int.random(in: 0..<SharedContents.count, using: &random)
        let level = Int.random(in: 1...4, using: &random)
        let outcome = try await run(["deposit", contents.paths[content], "\(level)", "--as", name])
        note(
            "deposit of content \(content) at \(level)", outcome,
            name, word(content, isAcknowledged: outcome.status == 0))
    }

    private mutating func retrieve(_ name: String) async throws {
        let path = depot.newPath()
        defer { unlink(path) }
        let outcome = try await run(["retrieve", name, "-o", path], alsoAllowed: [2])
        if outcome.status == 0 {
            try expect(path, model.allowed(name), under: name)
        } else if outcome.status == 3, model.mustExist(name) {
            throw wrong(name, "it was not found")
        }
    }

    private mutating func changeLevel(_ name: String) async throws {
        let level = Int.random(in: 1...4, using: &random)
        let outcome = try await run(["change-replication", name, "\(level)"], alsoAllowed: [2])
        tell("level \(level)", outcome, name)
        if outcome.status == 3, model.mustExist(name) {
            throw wrong(name, "it was not found")
        }
    }

    private mutating func delete(_ name: String) async throws {
        let outcome = try await run(["delete", name])
        // Not found is what a repeated request hears when the first one was done but not answered.
        var deletion = word(nil, isAcknowledged: [0, 3].contains(outcome.status))
        deletion.isKept = outcome.status == 0
        note("delete", outcome, name, deletion)
    }

    /// What there is, or what there was in some second.
    private mutating func list() async throws {
        let then = model.names.flatMap(model.instants).randomElement(using: &random)
        let instant = Bool.random(using: &random) ? then : nil
        let outcome = try await run(
            ["list", "client\(number)/"] + (instant.map { ["--at", "@\($0)"] } ?? []))
        guard outcome.status == 0 else { return }
        let listed = try JSONDecoder().decode(Listing.self, from: outcome.output).files.map(\.name)
        for name in model.names {
            let allowed = model.allowed(name, at: instant)
            guard listed.contains(name) ? allowed == [nil] : !allowed.contains(nil) else {
                continue
            }
            throw wrong(
                name, "it is \(listed.contains(name) ? "" : "not ")listed", at: instant)
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

    /// Everything is up again, so every name has to answer with what may be there, and what it was.
    mutating func expectAcknowledged() async throws {
        (isOver, counts) = (true, [:])
        for name in model.names {
            try await retrieve(name)
            try await expectHistory(of: name)
        }
    }

    mutating func purgeAll() async throws {
        for name in model.names {
            try await releaseAll(name)
            try await purge(name)
        }
    }

    // MARK: What the model knows

    private static var now: Int { Int(Date().timeIntervalSince1970) }

    /// What the last operation was to make of a name.
    func word(_ content: FileModel.Content, isAcknowledged: Bool) -> FileModel.Word {
        FileModel.Word(content, isAcknowledged: isAcknowledged, began: began, ended: Self.now)
    }

    mutating func note(
        _ what: String, _ outcome: ChildProcess.Outcome, _ name: String, _ word: FileModel.Word
    ) {
        tell(what, outcome, name)
        model.add(word, to: name)
    }

    mutating func tell(_ what: String, _ outcome: ChildProcess.Outcome, _ name: String) {
        model.note(name, "\(began)–\(Self.now) \(what): \(said(outcome))")
    }

    func expect(
        _ path: String, _ allowed: Set<FileModel.Content>, under name: String,
        at instant: Int? = nil
    ) throws {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        for case let content? in allowed where try contents.bytes(content) == bytes { return }
        throw wrong(
            name, "\(bytes.count) bytes came that nobody may have deposited there", at: instant)
    }

    func wrong(_ name: String, _ what: String, at instant: Int? = nil) -> Wrong {
        let allowed = model.allowed(name, at: instant).map {
            $0.map { "content \($0)" } ?? "nothing"
        }
        let then = instant.map { " at \($0)" } ?? ""
        return Wrong(
            description:
                "\(name)\(then): \(what); allowed: \(allowed.joined(separator: ", ")); history:\n  "
                + model.history(of: name))
    }

    // MARK: Processes

    /// - Parameter label: what it is counted as; the command's name where none is given.
    mutating func run(
        _ arguments: [String], as label: String? = nil, alsoAllowed: Set<Int32> = []
    ) async throws -> ChildProcess.Outcome {
        began = Self.now
        let process = try depot.start(arguments + Self.patience + ["--json"])
        let outcome = try await process.outcome(within: .seconds(240))
        depot.discard(process)
        counts["\(label ?? arguments[0]) \(outcome.status)", default: 0] += 1
        let allowed = isOver ? [0, 3] : Self.patient.union(alsoAllowed)
        guard allowed.contains(outcome.status) else {
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
