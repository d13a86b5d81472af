/// What a policy is for: a name and everything below it, or the whole depot.
public struct PolicyScope: Sendable, Hashable {
    /// `nil`: everything.
    public let root: FileName?

    public static let everything = PolicyScope(root: nil)
    /// So many are looked at each time.
    public static let countMax = 1_000

    private init(root: FileName?) { self.root = root }

    /// - Parameter prefix: slashes at its end say nothing; empty, it is the whole depot.
    /// - Throws: `invalidArgument` where it is no name, or too long for a policy's record.
    public init(prefix: String) throws(DepotError) {
        var text = prefix.unicodeScalars[...]
        while text.last == "/" { text.removeLast() }
        let size = String(text).utf8.count
        guard size <= Self.prefixSizeMax else {
            throw DepotError(
                .invalidArgument,
                "the prefix of a policy has \(size) bytes, at most "
                    + "\(Self.prefixSizeMax) are allowed", object: FileName.beginning(of: prefix))
        }
        root = text.isEmpty ? nil : try FileName(path: String(text))
    }

    // MARK: As a name

    private static let reserved = ".depot/"
    private static let folder = ".depot/policy"
    /// What is left of a name for it.
    private static let prefixSizeMax = Limits.fileNameSizeMax - folder.utf8.count - 1

    /// Of the record that says it: the file of that name is empty, and its annotations are the policy.
    public var recordName: FileName {
        get throws(DepotError) {
            try FileName(root.map { "\(Self.folder)/\($0)" } ?? Self.folder)
        }
    }

    /// - Returns: `nil` for a name that no policy has.
    public init?(recordName: FileName) {
        let text = recordName.text
        guard text != Self.folder else {
            self = .everything
            return
        }
        let start = "\(Self.folder)/"
        guard text.utf8.starts(with: start.utf8),
            let root = try? PathName(String(text.unicodeScalars.dropFirst(start.count)))
        else { return nil }
        self.init(root: FileName(root))
    }

    /// Scopes that a name is in, the narrowest first.
    public static func containing(_ name: FileName) -> [PolicyScope] {
        var scopes: [PolicyScope] = []
        // Of scalars: a slash is one whatever stands behind it.
        var text = name.text.unicodeScalars[...]
        while !text.isEmpty {
            if let scope = try? PolicyScope(prefix: String(text)) { scopes.append(scope) }
            text = text[..<(text.lastIndex(of: "/") ?? text.startIndex)]
        }
        return scopes + [.everything]
    }

    /// Whether a name is the depot's own, and no user's.
    public static func isReserved(_ name: FileName) -> Bool { isReserved(name.text) }

    /// The same of the beginning of one.
    public static func isReserved(_ prefix: String) -> Bool {
        prefix.utf8.starts(with: reserved.utf8)
    }
}
