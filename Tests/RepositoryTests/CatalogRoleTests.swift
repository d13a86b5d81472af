import Testing

/// A service takes the roles of the catalog that it uses: its type then says what it can change.
@Suite struct CatalogRoleTests {
    /// Files that put services together, and the rebuild, which fills a whole catalog.
    private static let compositions: Set = [
        "FileServer.swift", "FileServerParts.swift", "ClusterParts.swift", "UpkeepParts.swift",
        "MembershipParts.swift", "CatalogRebuilder.swift", "RebuildReading.swift",
    ]

    private let repository: Repository

    init() throws { repository = try Repository.this.get() }

    @Test func `only compositions and a rebuild take the whole catalog`() {
        let services = repository.texts.filter { path, _ in
            ["DepotCluster", "DepotUpkeep", "DepotServer"].contains {
                path.hasPrefix("Sources/\($0)/") && path.hasSuffix(".swift")
            }
        }
        #expect(services.count > 80)
        let whole = services.filter { $0.value.contains(/\bany Catalog\b/) }
            .compactMap { $0.key.split(separator: "/").last.map(String.init) }
        #expect(Set(whole).subtracting(Self.compositions).sorted() == [])
    }

    @Test func `no role of the catalog has more than nine methods`() {
        let roles = repository.texts.filter { path, text in
            path.hasPrefix("Sources/DepotCore/Catalog/") && text.contains("public protocol ")
        }
        #expect(roles.count > 10)
        for (path, text) in roles {
            let lines = text.split(separator: "\n")
            let role = lines.drop { !$0.hasPrefix("public protocol ") }.prefix { $0 != "}" }
            let methods = role.count { $0.hasPrefix("    func ") }
            #expect((1...9).contains(methods), "\(path) has \(methods)")
        }
    }
}
