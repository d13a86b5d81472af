/// What stands directly below a prefix, in order of bytes: names, and folders, which are what
/// names with a further `/` have in common up to it.
public struct FolderPage: Sendable, Hashable {
    public enum Entry: Sendable, Hashable {
        /// - Parameters:
        ///   - files: names in it, at every depth, counted up to `countedMax`; `nil` where not all of it
        ///     is within reach.
        case folder(prefix: String, files: Int?)
        /// - Parameter versions: what it was before and is kept, counted up to `versionsMax`.
        case file(FileEntry, versions: Int)

        /// Goes on behind this entry.
        public var cursor: String {
            switch self {
            case .folder(let prefix, _): prefix
            case .file(let file, _): file.name.text
            }
        }
    }

    /// So far names of a folder are counted.
    public static let countedMax = 1_000
    /// So far versions of a file are counted.
    public static let versionsMax = 100
    /// Entries of a page.
    public static let limitMax = 200

    public let entries: [Entry]
    /// Whether others come behind the last of them.
    public let hasMore: Bool

    public init(entries: [Entry], hasMore: Bool) {
        self.entries = entries
        self.hasMore = hasMore
    }
}
