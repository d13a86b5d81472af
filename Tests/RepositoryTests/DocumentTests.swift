import Testing

/// A design that nobody compares with the code is a story about it. So what documents point at has to be there, the map of
/// targets is the package's, and nothing leads to what a clone does not contain.
@Suite struct DocumentTests {
    private let repository: Repository

    init() throws { repository = try Repository.this.get() }

    @Test func `links lead to what is there`() {
        let dead = repository.documents.flatMap { document in
            document.deadLinks(in: repository).map { "\(document.path): \($0)" }
        }
        #expect(dead == [])
        #expect(repository.documents.flatMap(\.links).count > 50)
    }

    @Test func `files and symbols between backticks are there`() {
        let dead = repository.documents.flatMap { document in
            document.deadReferences(in: repository).map { "\(document.path): \($0)" }
        }
        #expect(dead == [])
    }

    @Test func `types between backticks are there`() {
        let words = repository.words
        #expect(words.count > 5_000)
        let dead = repository.documents.flatMap { document in
            document.deadNames(among: words).map { "\(document.path): \($0)" }
        }
        #expect(dead == [])
    }

    /// What they name is what must not be named.
    private static let counterexamples = ["Tests/RepositoryTests/", "Tests/Mutants/mutants.toml"]

    @Test func `no file cites what a clone does not contain`() {
        let cited = repository.texts.flatMap { path, text in
            Self.counterexamples.contains(where: path.hasPrefix)
                ? [] : OutsideCitations.found(in: text, of: path).map { "\(path): \($0)" }
        }
        #expect(cited.sorted() == [])
    }

    @Test func `each article of the design is on the map`() throws {
        let map = try #require(repository.documents.first { $0.path == "Sources/README.md" })
        let articles = repository.documents.map(\.path).filter { $0.contains(".docc/") }
        #expect(articles.count > 15)
        #expect(
            articles.filter { !map.links.contains(String($0.dropFirst("Sources/".count))) } == [])
    }

    @Test func `the table of errors is the one in the code`() throws {
        let code = try #require(repository.texts(named: "ErrorTable.swift").first)
        let table = try #require(repository.texts["Sources/DepotWire/DepotWire.docc/Errors.md"])
        let rows = code.matches(of: /case \.(\w+): Row\(status: (\d+), exitCode: (\d+)\)/)
        #expect(rows.count > 15)
        for row in rows {
            #expect(table.contains("| `\(row.1)` | \(row.2) | \(row.3) |"), "\(row.1)")
        }
    }

    // MARK: That the checks see

    @Test(arguments: [
        "[a](gone.md)", "[a](../outside.md)", "[a](b.md#no-such-heading)",
        "[a](Sources/Gone.swift)",
        "[a link that is\nbroken](gone.md)",
    ])
    func `a dead link is refused`(text: String) {
        let repository = Repository([
            "a.md": text, "b.md": "# A heading, and more", "Sources/A.swift": "",
        ])
        #expect(repository.documents[0].deadLinks(in: repository).count == 1)
    }

    @Test(arguments: [
        "[a](b.md)", "[a](b.md#a-heading-and-more)", "[a](Sources)", "[a](https://example.org/x)",
        "`[a](gone.md)`", "```\n[a](gone.md)\n```", "[a](./Sources/A.swift)",
    ])
    func `a link that leads somewhere is not`(text: String) {
        let repository = Repository([
            "a.md": text, "b.md": "# A heading, and more", "Sources/A.swift": "",
        ])
        #expect(repository.documents[0].deadLinks(in: repository) == [])
    }

    @Test(arguments: [
        ("`Gone.swift`", 1), ("`A.swift:gone`", 1), ("`Sources/Gone.swift`", 1),
        ("`./Sources/gone x`", 1),
        ("`A.swift`", 0), ("`A.swift:here`", 0), ("`Sources/A.swift`", 0), ("`segments/1.tar`", 0),
        ("```\n`Gone.swift`\n```", 0),
    ])
    func `a reference to what is gone is refused`(text: String, dead: Int) {
        let repository = Repository(["a.md": text, "Sources/A.swift": "func here() {}"])
        #expect(repository.documents[0].deadReferences(in: repository).count == dead)
    }

    @Test(arguments: [
        ("`Gone`", 1), ("`Here.gone`", 1), ("`Here`", 0), ("`Here.there`", 0), ("`GONE`", 0),
        ("`gone`", 0), ("`Gone.swift`", 0), ("`Gone and more`", 0),
    ])
    func `a type that is gone is refused`(text: String, dead: Int) {
        let repository = Repository(["a.md": text, "a.swift": "struct Here { let there = 1 }"])
        #expect(repository.documents[0].deadNames(among: repository.words).count == dead)
    }

    @Test(arguments: [
        ("a.swift", "/// As DESIGN draws it.", 1), ("a.swift", "// See ../shared/notes", 1),
        (".ci/run", "../elsewhere/tool", 1), (".ci/run", "../shared/tools/docker-engine", 0),
        ("a.sh", "cd \"$(dirname \"$0\")/..\"", 0), ("a.swift", "let path = \"../x\"", 0),
        ("a.swift", "/// DESIGNATED", 0),
    ])
    func `a citation of what lies outside is refused`(path: String, text: String, found: Int) {
        #expect(OutsideCitations.found(in: text, of: path).count == found)
    }
}
