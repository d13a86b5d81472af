/// Words and paths by which a file leads to something that no clone has.
enum OutsideCitations {
    /// Documents that once lay beside the repository.
    private static let documents = ["DESIGN", "PERFORMANCE.md", "STYLE.md"]
    /// The tool that may start a Docker engine, where it is there.
    private static let allowed = [".ci/run": ["../shared/tools/docker-engine"]]

    /// - Returns: what a file cites that is not in the repository.
    static func found(in text: String, of path: String) -> [String] {
        let words = documents.filter { document in
            text.ranges(of: document).contains { range in
                let before = text[..<range.lowerBound].last
                let after = text[range.upperBound...].first
                return !isPartOfWord(before) && !isPartOfWord(after)
            }
        }
        return words + paths(in: text, of: path)
    }

    private static func isPartOfWord(_ character: Character?) -> Bool {
        character.map { $0.isLetter || $0.isNumber || $0 == "_" } ?? false
    }

    /// Paths that leave the top folder, in which scripts work and of which comments speak. Links of
    /// documents are looked at where they are resolved.
    private static func paths(in text: String, of path: String) -> [String] {
        guard !path.hasSuffix(".md") else { return [] }
        let isSource = path.hasSuffix(".swift")
        return text.split(separator: "\n").flatMap { line -> [String] in
            guard line.contains("../"), let part = isSource ? comment(in: line) : line else {
                return []
            }
            return part.matches(of: /(?:^|[\s"'=(`])((?:\.\.\/)+[A-Za-z][\w.\/-]*)/)
                .map { String($0.1) }
                .filter { !(allowed[path] ?? []).contains($0) }
        }
    }

    private static func comment(in line: Substring) -> Substring? {
        line.firstRange(of: "//").map { line[$0.lowerBound...] }
    }
}
