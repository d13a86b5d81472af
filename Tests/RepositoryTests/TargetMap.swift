/// The map of targets in Sources/README.md: the first block of code, a line a target, with what it
/// depends on behind an arrow. Each target stands above all that it depends on.
struct TargetMap: Sendable {
    let lines: [(target: String, dependencies: Set<String>)]

    init(parsing text: String) {
        let blocks = text.split(separator: "```", omittingEmptySubsequences: false)
        let block = blocks.count > 1 ? blocks[1] : ""
        lines = block.split(separator: "\n").compactMap { line in
            let sides = line.split(separator: "→", maxSplits: 1)
            guard let target = sides.first?.split(separator: " ").first else { return nil }
            let dependencies = sides.count > 1 ? sides[1].split(separator: " ") : []
            return (String(target), Set(dependencies.map(String.init)))
        }
    }

    /// Arrows that do not lead downwards.
    var upwardArrows: [String] {
        lines.indices.flatMap { index in
            let below = Set(lines[(index + 1)...].map(\.target))
            return lines[index].dependencies.subtracting(below)
                .map { "\(lines[index].target) → \($0)" }
        }.sorted()
    }

    /// Where it says something else than the package: `target → dependency`, or a target alone.
    func differences(from package: PackageManifest) -> [String] {
        let inSources = package.targets.filter { $0.value.folder.hasPrefix("Sources/") }
        let expected = inSources.mapValues { $0.dependencies.intersection(inSources.keys) }
        return Self.arrows(expected).symmetricDifference(
            Self.arrows(Dictionary(lines.map { ($0.target, $0.dependencies) }) { $0.union($1) })
        ).sorted()
    }

    private static func arrows(_ targets: [String: Set<String>]) -> Set<String> {
        Set(
            targets.flatMap { target, dependencies in
                [target] + dependencies.map { "\(target) → \($0)" }
            })
    }
}
