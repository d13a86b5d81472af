import DepotCore
import Testing

/// Which names somebody reaches.
@Suite struct NameReachTests {
    private static func reach(_ roots: String...) throws -> NameReach {
        try NameReach(below: roots.map { try FileName($0) })
    }

    @Test func `a root reaches itself and what is below it`() throws {
        let reach = try Self.reach("a/b", "c")
        for name in ["a/b", "a/b/c", "c", "c/d/e"] {
            #expect(reach.contains(try FileName(name)), "\(name)")
        }
        for name in ["a", "a/bc", "a/b-c", "a/c", "b", "cc", "C", "a/b\u{301}/c"] {
            #expect(!reach.contains(try FileName(name)), "\(name)")
        }
        #expect(NameReach.everything.contains(try FileName("x")))
        #expect(!NameReach.nothing.contains(try FileName("x")))
    }

    @Test func `a root below another one adds nothing`() throws {
        #expect(try Self.reach("a/b", "a", "a/b/c", "ab") == Self.reach("a", "ab"))
    }

    @Test func `its parts have each name once, in order`() throws {
        let names = try [
            "a", "a-b", "a/b", "a/b/c", "a/bc", "a0", "b", "b/a", "b/b/b", "ba", "c/d", "c/d-e",
            "c/d/e", "d",
        ].map { try FileName($0) }.sorted()
        for reach in try [
            .everything, .nothing, Self.reach("a"), Self.reach("a/b", "a-b", "b"),
            Self.reach("c/d", "c/d-e"),
        ] {
            for prefix in ["", "a", "a/", "a/b", "a/b/", "a-", "b/b", "c/d", "c/d/e", "x"] {
                var listed: [FileName] = []
                for part in reach.parts(beginningWith: prefix) {
                    switch part {
                    case .name(let name): listed += names.filter { $0 == name }
                    case .prefix(let prefix):
                        listed += names.filter { $0.text.utf8.starts(with: prefix.utf8) }
                    }
                }
                let expected = names.filter {
                    reach.contains($0) && $0.text.utf8.starts(with: prefix.utf8)
                }
                #expect(listed == expected, "\(reach) \(prefix)")
            }
        }
    }

    @Test func `a policy concerns a reach above it and below it`() throws {
        let reach = try Self.reach("a/b")
        for prefix in ["", "a", "a/b", "a/b/c"] { #expect(reach.overlaps(prefix: prefix)) }
        for prefix in ["b", "a/bc", "a/c"] { #expect(!reach.overlaps(prefix: prefix)) }
    }
}
