// Every word on a name, be it a file or a deletion, stays when the next one takes its place, until a
// policy lets it go: with its content, at its level, and with its record on replicas. A word that
// says the same as the one before is no other word.

/// What names were before.
public protocol VersionCatalog: Sendable {
    /// The words on a name, the current one included, the newest first.
    ///
    /// - Parameters:
    ///   - before: only those that are older; `nil`: all.
    ///   - limit: fewer come, but at least one, where their records are long.
    func versions(
        of name: FileName, before: CommitSequence?, limit: Int
    ) async throws(DepotError) -> [FileWord]

    /// The files of an instant whose names begin with `prefix`, in byte order, after `after`: of each
    /// name the last word that was committed by then. A page as `FileCatalog.files` gives it.
    ///
    /// - Parameter time: seconds since 1970, by the clock of the FileServer that committed.
    func files(
        at time: Int64, prefix: String, after: FileName?, limit: Int
    ) async throws(DepotError) -> FilePage

    /// Names that are deleted, and of which a version is kept: that version of each.
    func deletedFiles(
        prefix: String, after: FileName?, limit: Int
    ) async throws(DepotError) -> FilePage

    /// Commits what a name was once more, with its level, without a copy being made.
    ///
    /// - Parameters:
    ///   - version: `nil`: what was there before a deletion.
    ///   - request: as for `ChangeCatalog.changeLevel`.
    /// - Returns: the new record, which is in the outbox.
    /// - Throws: `notFound` where there is no such version; `conflict` where nothing is deleted and
    ///   no version is said.
    func revert(
        _ name: FileName, to version: CommitSequence?, time: Int64, request: RequestID?
    ) async throws(DepotError) -> FileRecord

    /// Forgets what a name was before, at once. What it is stays.
    ///
    /// - Returns: how many words were forgotten.
    func purge(_ name: FileName) async throws(DepotError) -> Int

    /// Forgets what all names were before, where it ended so long ago.
    ///
    /// - Throws: as `CollectionCatalog.collectionPlan`.
    func forgetVersions(keptFor duration: Duration) async throws(DepotError)
}

/// One word on a name.
public struct FileWord: Sendable, Hashable {
    public enum Content: Sendable, Hashable {
        case file(FileEntry)
        case deleted
    }

    public let name: FileName
    public let sequence: CommitSequence
    /// Seconds since 1970 since when the name says it.
    public let time: Int64
    public let content: Content
    public let isCurrent: Bool

    public init(
        name: FileName, sequence: CommitSequence, time: Int64, content: Content, isCurrent: Bool
    ) {
        self.name = name
        self.sequence = sequence
        self.time = time
        self.content = content
        self.isCurrent = isCurrent
    }
}

/// How long what names were before is kept, by the catalog's own time.
public struct VersionPolicy: Sendable, Hashable {
    /// From when it was replaced or deleted.
    public let duration: Duration

    public init(keepingFor duration: Duration) { self.duration = max(.zero, duration) }

    public static let usual = VersionPolicy(keepingFor: .seconds(30 * 86_400))
    public static let nothing = VersionPolicy(keepingFor: .zero)
}

/// A file of a name: what it is, or what it was.
public struct VersionName: Sendable, Hashable {
    public let name: FileName
    /// `nil`: what it is.
    public let sequence: CommitSequence?

    public init(_ name: FileName, _ sequence: CommitSequence? = nil) {
        self.name = name
        self.sequence = sequence
    }
}
