/// What Package.swift lets each target import. It is read as text: asking SwiftPM takes a build's lock.
struct PackageManifest: Sendable {
    struct Target: Sendable, Equatable {
        let folder: String
        /// Other targets, and products of packages.
        let dependencies: Set<String>
    }

    let targets: [String: Target]

    init(parsing text: String) {
        var products: [String: String] = [:]
        for match in text.matches(
            of: /let (\w+) = Target\.Dependency\.product\(\s*name: "(\w+)"/)
        {
            products[String(match.1)] = String(match.2)
        }
        let parts = text.ranges(of: "\n    targets: [")
        let calls = parts.last.map { text[$0.upperBound...] } ?? text[...]
        var targets: [String: Target] = [:]
        for match in calls.matches(
            of: /(library|tests|\.target|\.executableTarget|\.testTarget|\.systemLibrary)\(/)
        {
            let call = Self.balanced(calls[match.range.upperBound...], "(", ")")
            guard let name = call.firstMatch(of: /"(\w+)"/) else { continue }
            let isTest = match.1 == "tests" || match.1 == ".testTarget"
            let list = match.1.hasPrefix(".") ? "dependencies: [" : "["
            targets[String(name.1)] = Target(
                folder: call.firstMatch(of: /path: "([^"]+)"/).map { String($0.1) }
                    ?? "\(isTest ? "Tests" : "Sources")/\(name.1)",
                dependencies: Self.dependencies(of: call, behind: list, products))
        }
        self.targets = targets
    }

    /// - Parameter opening: what begins the list; a system library has none.
    private static func dependencies(
        of call: Substring, behind opening: String, _ products: [String: String]
    ) -> Set<String> {
        guard let start = call.firstRange(of: opening)?.upperBound else { return [] }
        let list = String(balanced(call[start...], "[", "]"))
        let inline = list.matches(of: /\.product\(name: "(\w+)"/).map { String($0.1) }
        let rest = list.replacing(/\.product\([^)]*\)/, with: "").replacing(/\/\/.*/, with: "")
        let names = rest.matches(of: /"(\w+)"/).map { String($0.1) }
        let constants = rest.replacing(/"\w+"/, with: "").matches(of: /\w+/)
            .compactMap { products[String($0.0)] }
        return Set(inline + names + constants)
    }

    /// What stands in front of the bracket that closes one that was opened before.
    private static func balanced(
        _ text: Substring, _ open: Character, _ close: Character
    ) -> Substring {
        var depth = 1
        for index in text.indices {
            if text[index] == open { depth += 1 }
            if text[index] == close { depth -= 1 }
            if depth == 0 { return text[..<index] }
        }
        return text
    }
}

extension PackageManifest {
    /// Of the toolchain: whoever is built has them.
    private static let ofToolchain: Set = [
        "Darwin", "Dispatch", "Foundation", "FoundationEssentials", "Glibc", "Musl",
        "Synchronization", "Testing",
    ]
    /// Modules of which a product's own interface is made.
    private static let given = ["Hummingbird": ["HTTPTypes"]]

    /// Imports that no declared dependency allows: `file: module`.
    func forbiddenImports(in repository: Repository) -> [String] {
        targets.flatMap { name, target in
            let allowed = Self.ofToolchain.union(target.dependencies)
                .union(target.dependencies.flatMap { Self.given[$0] ?? [] }).union([name])
            return imports(of: target, repository).flatMap { path, modules in
                modules.subtracting(allowed).map { "\(path): \($0)" }
            }
        }.sorted()
    }

    /// Dependencies of targets in Sources that none of their files imports: `target: dependency`.
    func unusedDependencies(in repository: Repository) -> [String] {
        targets.flatMap { name, target -> [String] in
            let files = imports(of: target, repository)
            guard target.folder.hasPrefix("Sources/"), !files.isEmpty else { return [] }
            let used = files.values.reduce(into: Set<String>()) { $0.formUnion($1) }
            return target.dependencies.subtracting(used).map { "\(name): \($0)" }
        }.sorted()
    }

    /// What each Swift file of a target imports.
    private func imports(
        of target: Target, _ repository: Repository
    ) -> [String: Set<String>] {
        repository.texts.filter { path, _ in
            path.hasPrefix(target.folder + "/") && path.hasSuffix(".swift")
        }.mapValues { text in
            Set(
                text.split(separator: "\n").filter { $0.contains("import ") }.compactMap { line in
                    line.wholeMatch(
                        of:
                            #/
                            \s* (?:@\w+\s+)* (?:(?:public|package|internal)\s+)? import\s+
                            (?:(?:struct|class|enum|protocol|func|typealias)\s+)? (\w+) .*
                            /#
                    ).map { String($0.1) }
                })
        }
    }
}
