import DepotCore
import Testing

extension CatalogConformance {
    private static let inFolders = [
        "a", "a-b", "a/1", "a/2/x", "a/2/y", "a0", "b/c/d/e", "b/c/f", "b/e\u{301}", "c//d", "z/",
        "\u{10ffff}/x", "<b>/&amp;",
    ]

    /// What a list of a folder has, by reading all names.
    private static func expected(
        _ names: [String], below prefix: String, within reach: NameReach
    ) throws -> [String] {
        let below = try names.filter { name in
            try reach.contains(FileName(name)) && name.utf8.starts(with: prefix.utf8)
        }
        let entries = below.map { name in
            let rest = name.utf8.dropFirst(prefix.utf8.count)
            guard let slash = rest.firstIndex(of: UInt8(ascii: "/")) else { return name }
            return String(name[...slash])
        }
        return Array(Set(entries)).sorted { $0.precedesByBytes($1) }
    }

    private static func folder(
        _ fixture: Fixture, _ prefix: String, page: Int, within reach: NameReach
    ) async throws -> [FolderPage.Entry] {
        var entries: [FolderPage.Entry] = []
        while true {
            let found = try await fixture.catalog.folder(
                prefix, after: entries.last?.cursor, limit: page, within: reach)
            #expect(found.entries.count <= page)
            entries += found.entries
            guard found.hasMore else { return entries }
            #expect(!found.entries.isEmpty)
            guard !found.entries.isEmpty else { return entries }
        }
    }

    static let folders: [CatalogBehaviour] = [
        CatalogBehaviour("a folder is one entry, however much is in it, page by page") { fixture in
            try await fixture.admit(1...1)
            for name in inFolders.shuffled() {
                try await fixture.deposit(
                    name, Fixture.chunks(0..<1), on: Fixture.replicas(1...1))
            }
            let reaches = [
                NameReach.everything, .nothing,
                try NameReach(below: ["a", "b/c/d", "b/c/f", "c"].map { try FileName($0) }),
            ]
            for reach in reaches {
                for prefix in ["", "a", "a/", "a/2/", "b/", "b/c/", "c/", "z/", "nothing/"] {
                    let expected = try expected(inFolders, below: prefix, within: reach)
                    for page in [1, 2, 100] {
                        let found = try await folder(fixture, prefix, page: page, within: reach)
                        #expect(
                            found.map(\.cursor) == expected, "'\(prefix)' in pages of \(page)")
                    }
                }
            }
        },
        CatalogBehaviour("a folder tells how many names it has, where all are within reach") {
            fixture in
            try await fixture.admit(1...1)
            for name in inFolders {
                try await fixture.deposit(
                    name, Fixture.chunks(0..<1), on: Fixture.replicas(1...1))
            }
            let all = try await folder(fixture, "", page: 100, within: .everything)
            #expect(all.contains(.folder(prefix: "a/", files: 3)))
            #expect(all.contains(.folder(prefix: "b/", files: 3)))
            let some = try await folder(
                fixture, "", page: 100, within: NameReach(below: [FileName("b/c"), FileName("a")]))
            #expect(some.contains(.folder(prefix: "a/", files: 3)))
            #expect(some.contains(.folder(prefix: "b/", files: nil)))
        },
    ]
}
