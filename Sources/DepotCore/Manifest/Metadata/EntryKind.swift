/// What a name is of. All but files have no content: their file is empty.
public enum EntryKind: Sendable, Hashable {
    case file
    case folder
    case link(LinkTarget)
    /// A pipe, a socket or a device.
    case special(SpecialFile)

    /// Of a symbolic link.
    public var target: LinkTarget? { if case .link(let target) = self { target } else { nil } }

    /// `nil` for what is none.
    public var special: SpecialFile? {
        if case .special(let special) = self { special } else { nil }
    }

    /// `file`, `folder`, `link` or `special`, for programs that read what depot writes.
    public var word: String {
        switch self {
        case .file: "file"
        case .folder: "folder"
        case .link: "link"
        case .special: "special"
        }
    }
}

/// What a symbolic link points to: 1 to 4,095 bytes of UTF-8 without NUL, as Linux takes them.
public struct LinkTarget: Sendable, Hashable {
    public static let sizeMax = 4_095

    public let text: String

    /// - Throws: `invalidArgument`.
    public init(_ text: String) throws(DepotError) {
        guard (1...Self.sizeMax).contains(text.utf8.count), !text.utf8.contains(0) else {
            throw DepotError(
                .invalidArgument,
                "the target of a symbolic link has 1 to \(Self.sizeMax) bytes without NUL, found "
                    + "\(text.utf8.count)")
        }
        self.text = text
    }
}
