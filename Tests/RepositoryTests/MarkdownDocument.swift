/// What a document in Markdown points at.
struct MarkdownDocument: Sendable {
    let path: String
    /// Without blocks of code.
    private let lines: [Substring]

    init(path: String, text: String) {
        self.path = path
        var isCode = false
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).filter { line in
            guard line.hasPrefix("```") else { return !isCode }
            isCode.toggle()
            return false
        }
    }

    /// A paragraph may be broken within a link or a span.
    private var prose: String { lines.joined(separator: "\n") }

    /// The targets of its links, as they are written.
    var links: [String] {
        prose.replacing(/`[^`\n]*`/, with: "").matches(of: /\]\(([^)\s]+)\)/).map { String($0.1) }
    }

    /// What stands between backticks.
    var spans: [String] { prose.matches(of: /`([^`\n]+)`/).map { String($0.1) } }

    /// What its headings are called in links, as GitHub makes it.
    var anchors: Set<String> {
        Set(
            lines.filter { $0.hasPrefix("#") }.map { line in
                let heading = line.drop { $0 == "#" }.dropFirst().lowercased()
                return String(
                    heading.filter { $0.isLetter || $0.isNumber || " -_".contains($0) }
                        .map { $0 == " " ? "-" : $0 })
            })
    }
}

extension MarkdownDocument {
    /// Links that lead nowhere, or out of the repository.
    func deadLinks(in repository: Repository) -> [String] {
        links.filter { link in
            if link.contains("://") || link.hasPrefix("mailto:") { return false }
            let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
            guard let target = resolved(String(parts[0])), repository.has(target) else {
                return true
            }
            guard parts.count == 2, target.hasSuffix(".md") else { return false }
            let document = MarkdownDocument(path: target, text: repository.texts[target] ?? "")
            return !document.anchors.contains(String(parts[1]))
        }
    }

    /// - Returns: the path from the top; `nil` where it leads out.
    private func resolved(_ link: String) -> String? {
        if link.isEmpty { return path }
        var parts = path.split(separator: "/").dropLast().map(String.init)
        for part in link.split(separator: "/") {
            switch part {
            case ".": break
            case "..":
                if parts.popLast() == nil { return nil }
            default: parts.append(String(part))
            }
        }
        return parts.joined(separator: "/")
    }

    /// References between backticks to what is not there: a file by its name (`Name.swift`), a symbol in it
    /// (`Name.swift:symbol`), or a path from the top (`Scripts/test`).
    func deadReferences(in repository: Repository) -> [String] {
        let folders = repository.topLevel
        return spans.filter { span in
            if let match = span.wholeMatch(of: /([\w+.-]+\.(?:swift|c|h|py))(?::(\w+))?/) {
                let texts = repository.texts(named: String(match.1))
                guard let symbol = match.2 else { return texts.isEmpty }
                return !texts.contains { Self.names(symbol, in: $0) }
            }
            var path = span.prefix { $0 != " " }
            if path.hasPrefix("./") { path = path.dropFirst(2) }
            if path.hasSuffix("/") { path = path.dropLast() }
            guard path.contains("/"), let first = path.split(separator: "/").first,
                folders.contains(String(first)), !path.contains(where: "*<…".contains)
            else { return false }
            return !repository.has(String(path))
        }
    }

    /// Types between backticks, and members behind their dots, that no source has.
    func deadNames(among words: Set<String>) -> [String] {
        spans.filter { span in
            guard span.wholeMatch(of: /[A-Z]\w*[a-z]\w*(?:\.\w+)*/) != nil,
                span.wholeMatch(of: /.*\.(?:swift|c|h|py|md)/) == nil
            else { return false }
            return !span.split(separator: ".").allSatisfy { words.contains(String($0)) }
        }
    }

    private static func names(_ symbol: Substring, in text: String) -> Bool {
        text.split(whereSeparator: { !$0.isLetter && !$0.isNumber && $0 != "_" }).contains(symbol)
    }
}
