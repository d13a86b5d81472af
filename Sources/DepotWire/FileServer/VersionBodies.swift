import DepotCore

/// Of when a list of files is.
public enum ListMoment: Sendable, Hashable {
    case now
    /// Seconds since 1970.
    case at(Int64)
    /// Of deleted names, what they were.
    case beforeDeletion
}

/// The words on a name, the newest first.
public struct VersionListBody: Sendable, Codable {
    public struct Word: Sendable, Codable {
        public let sequence: CommitSequence
        /// Seconds since 1970 since when the name says it.
        public let time: Int64
        public let isCurrent: Bool
        /// `nil`: it was deleted.
        public let file: FileBody?
        /// What its content is locked by now; absent where it is not.
        public let lock: ContentLock?

        public init(_ word: FileWord) {
            lock = word.lock
            sequence = word.sequence
            time = word.time
            isCurrent = word.isCurrent
            switch word.content {
            case .file(let entry): file = FileBody(entry)
            case .deleted: file = nil
            }
        }
    }

    public let versions: [Word]
    /// There are older ones.
    public let hasMore: Bool

    public init(versions: [Word], hasMore: Bool) {
        self.versions = versions
        self.hasMore = hasMore
    }
}

public struct RevertBody: Sendable, Codable {
    /// `nil`: what was there before a deletion.
    public let sequence: CommitSequence?

    public init(sequence: CommitSequence?) { self.sequence = sequence }
}

public struct RevertedBody: Sendable, Codable {
    public let name: FileName
    /// Of the commit that brought it back.
    public let sequence: CommitSequence
    public let level: ReplicationLevel
    /// Good copies of the chunk that has the fewest; absent where there is none.
    public let copies: Count?

    public init(_ record: FileRecord, copies: Int?) {
        name = record.name
        sequence = record.sequence
        level = record.level
        self.copies = copies.map(Count.init(wrappedValue:))
    }

    /// Whether repair is still to make copies of it.
    public var isDegraded: Bool { copies.map { $0.wrappedValue < level.copies } ?? false }
}

public struct PurgedBody: Sendable, Codable {
    public let name: FileName
    /// Words that were forgotten.
    @Count public private(set) var versions: Int
    /// Those that stay, because their contents are locked. Absent where an older FileServer answers.
    public let locked: Count?

    public init(name: FileName, _ purged: PurgedVersions) {
        self.name = name
        versions = purged.forgotten
        locked = Count(wrappedValue: purged.locked)
    }
}
