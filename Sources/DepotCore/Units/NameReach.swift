/// Names that somebody may see and change: all, or some names and everything below each.
public struct NameReach: Sendable, Hashable {
    /// In order of their bytes, none of them below another; `nil`: everything.
    public let roots: [FileName]?

    public static let everything = NameReach(sorted: nil)
    public static let nothing = NameReach(sorted: [])
    /// Roots of one reach.
    public static let rootsMax = 32

    private init(sorted roots: [FileName]?) { self.roots = roots }

    /// - Parameter roots: at least one, at most `rootsMax`.
    /// - Throws: `invalidArgument` for none, or too many.
    public init(below roots: [FileName]) throws(DepotError) {
        guard (1...Self.rootsMax).contains(roots.count) else {
            throw DepotError(
                .invalidArgument, "1 to \(Self.rootsMax) prefixes, found \(roots.count)")
        }
        let sorted = Set(roots).sorted()
        self.init(
            sorted: sorted.filter { root in
                !sorted.contains { $0 != root && Self.isBelow(root.text, $0) }
            })
    }

    public func contains(_ name: FileName) -> Bool {
        guard let roots else { return true }
        return roots.contains { $0 == name || Self.isBelow(name.text, $0) }
    }

    /// Whether a name and what is below it have names in common with it.
    ///
    /// - Parameter prefix: empty: everything.
    public func overlaps(prefix: String) -> Bool {
        guard let roots, let name = try? FileName(prefix) else { return true }
        return contains(name) || roots.contains { Self.isBelow($0.text, name) }
    }

    /// Of bytes: a slash is one whatever stands behind it.
    private static func isBelow(_ name: String, _ root: FileName) -> Bool {
        let (name, root) = (name.utf8, root.text.utf8)
        guard name.count > root.count, name.starts(with: root) else { return false }
        return name[name.index(name.startIndex, offsetBy: root.count)] == UInt8(ascii: "/")
    }

    /// Some of the names, in order one part behind the other.
    public enum Part: Sendable, Hashable {
        /// One name alone.
        case name(FileName)
        /// All that begin so.
        case prefix(String)
    }

    /// The names that begin with a prefix and are within reach.
    ///
    /// - Returns: parts of which none has a name of another, in order.
    public func parts(beginningWith prefix: String) -> [Part] {
        guard let roots else { return [.prefix(prefix)] }
        var parts: [(first: String, part: Part)] = []
        for root in roots {
            let below = "\(root)/"
            if root.text.utf8.starts(with: prefix.utf8) { parts.append((root.text, .name(root))) }
            if below.utf8.starts(with: prefix.utf8) {
                parts.append((below, .prefix(below)))
            } else if prefix.utf8.starts(with: below.utf8) {
                parts.append((prefix, .prefix(prefix)))
            }
        }
        // `a-b` comes between `a` and `a/c`.
        return parts.sorted { $0.first.precedesByBytes($1.first) }.map(\.part)
    }
}
