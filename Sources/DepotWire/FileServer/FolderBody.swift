import DepotCore

/// What stands directly below a prefix.
public struct FolderBody: Sendable, Codable {
    /// How many copies a file can be read from.
    public struct Health: Sendable, Codable, Hashable {
        public enum State: String, Sendable, Codable {
            /// Each chunk has as many good copies as its level asks for.
            case whole
            /// Some chunk has fewer; none has none.
            case degraded
            /// Some chunk has no good copy that can be read now.
            case unreadable
        }

        public let state: State
        /// Good copies of the chunk that has the fewest.
        @Count public private(set) var copies: Int
        /// Whether all its chunks were looked at, and not only the first of them.
        public let isOfAll: Bool

        public init(state: State, copies: Int, isOfAll: Bool) {
            self.state = state
            self.copies = copies
            self.isOfAll = isOfAll
        }
    }

    /// Exactly one of `folder` and `file` is there.
    public struct Entry: Sendable, Codable {
        /// The prefix of all that is in it, with the slash.
        public let folder: String?
        /// Names in it, at every depth, counted up to `FolderPage.countedMax`; absent where not all of
        /// it is within reach.
        public let files: Count?
        public let file: FileBody?
        /// What the file was before and is kept, counted up to `FolderPage.versionsMax`.
        public let versions: Count?
        /// Absent where it was not asked for, and where looking would have taken too long.
        public let health: Health?

        public init(_ entry: FolderPage.Entry, health: Health?) {
            switch entry {
            case .folder(let prefix, let count):
                folder = prefix
                files = count.map { Count(wrappedValue: $0) }
                file = nil
                versions = nil
            case .file(let entry, let count):
                folder = nil
                files = nil
                file = FileBody(entry)
                versions = Count(wrappedValue: count)
            }
            self.health = health
        }
    }

    public let entries: [Entry]
    /// Others come behind this one, given as `after`; absent where none do.
    public let next: String?

    public init(entries: [Entry], next: String?) {
        self.entries = entries
        self.next = next
    }
}
