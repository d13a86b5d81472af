import Testing

/// The floors of the house: each target imports what Package.swift lets it, which is only below it, and the map shows that.
@Suite struct ImportTests {
    private let repository: Repository
    private let package: PackageManifest
    private let map: TargetMap

    init() throws {
        repository = try Repository.this.get()
        package = PackageManifest(parsing: try #require(repository.texts["Package.swift"]))
        map = TargetMap(parsing: try #require(repository.texts["Sources/README.md"]))
    }

    @Test func `each target imports only what it declares`() {
        #expect(package.targets.count > 20)
        #expect(package.forbiddenImports(in: repository) == [])
    }

    @Test func `nothing is declared that nobody imports`() {
        #expect(package.unusedDependencies(in: repository) == [])
    }

    @Test func `each folder of sources is a target`() {
        let folders = Set(
            repository.texts.keys.filter { $0.hasPrefix("Sources/") && !$0.hasSuffix(".md") }
                .compactMap { $0.split(separator: "/").dropFirst().first.map(String.init) })
        #expect(
            folders == Set(package.targets.filter { $0.value.folder.hasPrefix("Sources/") }.keys))
    }

    @Test func `the map shows the arrows of the package, and they lead downwards`() {
        #expect(map.differences(from: package) == [])
        #expect(map.upwardArrows == [])
    }

    // MARK: That the checks see

    private static let small = """
        let log = Target.Dependency.product(name: "Logging", package: "swift-log")
        let package = Package(
            targets: [
                .systemLibrary(name: "C"),
                library("Low", ["C", log]),
                // A comment with "Quotes".
                .executableTarget(
                    name: "high",
                    dependencies: ["Low", .product(name: "Parser", package: "parser")]),
                tests("LowTests", ["Low"]),
            ])
        """

    @Test func `targets are read from the package`() {
        let targets = PackageManifest(parsing: Self.small).targets
        #expect(
            targets == [
                "C": .init(folder: "Sources/C", dependencies: []),
                "Low": .init(folder: "Sources/Low", dependencies: ["C", "Logging"]),
                "high": .init(folder: "Sources/high", dependencies: ["Low", "Parser"]),
                "LowTests": .init(folder: "Tests/LowTests", dependencies: ["Low"]),
            ])
    }

    @Test(arguments: [
        ("import high", 1), ("@testable import high", 1), ("public import struct Other.Type", 1),
        ("    import Other", 1), ("import C", 0), ("import Logging\nimport Foundation", 0),
        ("// import high", 0),
    ])
    func `an import that is not declared is refused`(text: String, forbidden: Int) {
        let repository = Repository(["Sources/Low/A.swift": text])
        let found = PackageManifest(parsing: Self.small).forbiddenImports(in: repository)
        #expect(found.count == forbidden)
    }

    @Test func `a dependency that nobody imports is refused`() {
        let repository = Repository(["Sources/Low/A.swift": "import C"])
        #expect(
            PackageManifest(parsing: Self.small).unusedDependencies(in: repository) == [
                "Low: Logging"
            ])
    }

    @Test(
        arguments: [
            ("high → Low\nLow → C\nC", [], []),
            ("high → Low\nLow\nC", ["Low → C"], []),
            ("high → Low C\nLow → C\nC", ["high → C"], []),
            ("Low → C\nhigh → Low\nC", [], ["high → Low"]),
            ("high → Low\nLow → C", ["C"], ["Low → C"]),
        ] as [(String, [String], [String])])
    func `a map that is wrong is refused`(lines: String, different: [String], upward: [String]) {
        let map = TargetMap(parsing: "# Map\n\n```\n\(lines)\n```\n")
        #expect(map.differences(from: PackageManifest(parsing: Self.small)) == different)
        #expect(map.upwardArrows == upward)
    }
}
