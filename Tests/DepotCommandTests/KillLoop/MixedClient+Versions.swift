import Foundation

/// What a client does with what its names were.
extension MixedClient {
    /// Looked at in the end, of each name: in an hour there are thousands.
    private static let instantsMax = 60

    /// What a name was, as the depot lists it, the newest first: what the model allows, and nothing else.
    ///
    /// - Returns: `nil` where that cannot be read now.
    private mutating func history(of name: String) async throws -> [VersionList.Word]? {
        let outcome = try await run(["versions", name])
        guard [0, 3].contains(outcome.status) else { return nil }
        let words =
            outcome.status == 3
            ? [] : try JSONDecoder().decode(VersionList.self, from: outcome.output).versions
        let listed = try words.map { try $0.file.map { try contents.number(of: $0.manifest.id) } }
        guard model.mayHaveBeen(name, listed.reversed()) else {
            throw wrong(
                name, "listed are \(listed.map { $0.map { "content \($0)" } ?? "a deletion" })")
        }
        return words
    }

    /// Makes a name what it was, by its version or as it was before its deletion.
    mutating func bringBack(_ name: String) async throws {
        guard let words = try await history(of: name) else { return }
        let files = words.filter { $0.file != nil && !$0.isCurrent }
        guard let newest = files.first, let any = files.randomElement(using: &random) else {
            return
        }
        let isDeleted = words.first.map { $0.isCurrent && $0.file == nil } ?? false
        let undeletes = isDeleted && Int.random(in: 0..<4, using: &random) > 0
        guard let file = (undeletes ? newest : any).file else { return }
        let arguments = undeletes ? ["undelete", name] : ["revert", "\(name)@\(any.sequence)"]
        let outcome = try await run(arguments)
        let content = try contents.number(of: file.manifest.id)
        note(
            "\(arguments.joined(separator: " ")) to content \(content)", outcome,
            name, word(content, isAcknowledged: outcome.status == 0))
        if outcome.status == 3 { throw wrong(name, "what is listed was not found") }
    }

    mutating func purge(_ name: String) async throws {
        let outcome = try await run(["delete", "--purge", name], as: "delete --purge")
        tell("purge", outcome, name)
        // Not found: there is no file, and nothing that it was.
        model.purge(name, word(nil, isAcknowledged: [0, 3].contains(outcome.status)))
        _ = try await history(of: name)
    }

    /// Has something that a name is, or was, held, or be held no more.
    mutating func hold(_ name: String) async throws {
        let words = try await history(of: name)
        guard let word = words?.filter({ $0.file != nil }).randomElement(using: &random) else {
            return
        }
        try await hold(word, of: name, Int.random(in: 0..<3, using: &random) > 0)
    }

    private mutating func hold(
        _ word: VersionList.Word, of name: String, _ isHeld: Bool
    ) async throws {
        guard let file = word.file else { return }
        let content = try contents.number(of: file.manifest.id)
        let option = isHeld ? "--hold" : "--release-hold"
        let outcome = try await run(["lock", "\(name)@\(word.sequence)", option])
        tell("lock \(option) of content \(content)", outcome, name)
        if outcome.status == 3 { throw wrong(name, "what is listed was not found") }
        model.hold(name, content, isHeld, isAcknowledged: outcome.status == 0)
    }

    mutating func releaseAll(_ name: String) async throws {
        for word in try await history(of: name) ?? [] { try await hold(word, of: name, false) }
    }

    mutating func retrieveVersion(of name: String) async throws {
        let words = try await history(of: name)
        guard let word = words?.filter({ $0.file != nil }).randomElement(using: &random) else {
            return
        }
        try await retrieve(word, of: name)
    }

    private mutating func retrieve(_ word: VersionList.Word, of name: String) async throws {
        guard let file = word.file else { return }
        let path = depot.newPath()
        defer { unlink(path) }
        let outcome = try await run(
            ["retrieve", "\(name)@\(word.sequence)", "-o", path], as: "retrieve version",
            alsoAllowed: [2])
        if outcome.status == 3 { throw wrong(name, "\(word.sequence) is listed and not found") }
        guard outcome.status == 0 else { return }
        try expect(path, [contents.number(of: file.manifest.id)], under: name)
    }

    mutating func retrieveAsOfThen(_ name: String) async throws {
        guard let instant = model.instants(of: name).randomElement(using: &random) else { return }
        try await retrieve(name, asOf: instant)
    }

    private mutating func retrieve(_ name: String, asOf instant: Int) async throws {
        let path = depot.newPath()
        defer { unlink(path) }
        let outcome = try await run(
            ["retrieve", name, "--at", "@\(instant)", "-o", path], as: "retrieve --at",
            alsoAllowed: [2])
        let allowed = model.allowed(name, at: instant)
        if outcome.status == 0 {
            try expect(path, allowed, under: name, at: instant)
        } else if outcome.status == 3, !allowed.contains(nil) {
            throw wrong(name, "it was not found", at: instant)
        }
    }

    /// All that the model remembers of a name is there, and nothing else.
    mutating func expectHistory(of name: String) async throws {
        var seen: Set<String> = []
        for word in try await history(of: name) ?? [] {
            guard let file = word.file, seen.insert(file.manifest.id).inserted else { continue }
            try await retrieve(word, of: name)
        }
        let instants = model.instants(of: name).shuffled(using: &random)
        for instant in instants.prefix(Self.instantsMax) {
            try await retrieve(name, asOf: instant)
        }
    }
}
