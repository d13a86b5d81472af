import DepotCore

/// A list of entity tags, or `*` for any.
struct EntityTags: Sendable {
    private struct Tag: Sendable {
        let isWeak: Bool
        /// With its quotes.
        let text: Substring
    }

    /// `nil`: any.
    private let tags: [Tag]?

    static let any = EntityTags(tags: nil)

    private init(tags: [Tag]?) { self.tags = tags }

    /// - Throws: `invalidArgument` where it is not as RFC 9110, 8.8.3 has it.
    init(_ text: String) throws(DepotError) {
        var rest = Self.trimmed(text[...])
        if rest == "*" {
            tags = nil
            return
        }
        var found: [Tag] = []
        while !rest.isEmpty {
            if rest.first == "," {
                rest = Self.trimmed(rest.dropFirst())
                continue
            }
            let isWeak = rest.hasPrefix("W/")
            if isWeak { rest = rest.dropFirst(2) }
            guard rest.first == "\"", let end = rest.dropFirst().firstIndex(of: "\"") else {
                throw Self.malformed(text)
            }
            found.append(Tag(isWeak: isWeak, text: rest[...end]))
            rest = Self.trimmed(rest[end...].dropFirst())
            guard rest.isEmpty || rest.first == "," else { throw Self.malformed(text) }
        }
        guard !found.isEmpty else { throw Self.malformed(text) }
        tags = found
    }

    func contain(_ tag: String, weakly: Bool) -> Bool {
        guard let tags else { return true }
        return tags.contains { $0.text == tag && (weakly || !$0.isWeak) }
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop { $0 == " " || $0 == "\t" }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return text
    }

    private static func malformed(_ text: String) -> DepotError {
        DepotError(
            .invalidArgument, "a condition has '*' or tags in quotes",
            object: String(text.prefix(100)))
    }
}
