import Testing

/// A matrix that names tests which are gone would prove nothing.
@Suite struct FaultMatrixTests {
    @Test func `every test that the matrix of faults names is there`() throws {
        let repository = try Repository.this.get()
        let matrix = try #require(repository.texts["Tests/FAULTS.md"])
        let tests = NamedTests(
            repository.texts.filter { path, _ in
                path.hasPrefix("Tests/") && (path.hasSuffix(".swift") || path.hasSuffix(".py"))
            }.map(\.value))
        let rows = matrix.split(separator: "\n").filter { $0.hasPrefix("| ") }
        let named = rows.compactMap { $0.split(separator: "|").last }
            .flatMap { $0.matches(of: /`([^`]+)`/).map { String($0.1) } }
        #expect(named.count > 50)
        for name in named { #expect(tests.contain(name), "\(name)") }
    }

    @Test(arguments: [
        ("Suite.does what it must", true), ("Suite.does more", false),
        ("Sweet.does what it must", false),
        ("scenario", true), ("quoted", true), ("gone", false),
    ])
    func `a test that is gone is missed`(name: String, isThere: Bool) {
        let sources = [
            "@Suite struct Suite {\n@Test func `does what it must`() {}",
            "def scenario():\n    run(\"quoted\")",
        ]
        #expect(NamedTests(sources).contain(name) == isThere)
    }
}

/// The tests that sources have.
private struct NamedTests {
    private let sources: [String]
    /// What stands between backticks.
    private let behaviours: Set<Substring>
    private let suites: Set<Substring>

    init(_ sources: [String]) {
        self.sources = sources
        behaviours = Set(
            sources.flatMap {
                $0.split(separator: "`", omittingEmptySubsequences: false).dropFirst().dropLast()
            })
        suites = Set(
            sources.flatMap { source in
                source.ranges(of: "struct ").map { source[$0.upperBound...].prefix { $0 != " " } }
            })
    }

    /// - Parameter name: a suite, a dot and a behaviour, or what a scenario of the containers is called.
    func contain(_ name: String) -> Bool {
        guard let dot = name.firstIndex(of: ".") else {
            return sources.contains { $0.contains("\"\(name)") || $0.contains("def \(name)") }
        }
        return suites.contains(name[..<dot])
            && behaviours.contains(name[name.index(after: dot)...])
    }
}
