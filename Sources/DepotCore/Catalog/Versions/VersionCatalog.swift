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

    /// Commits that what a name was before is to be forgotten, so that no rebuild brings it back.
    /// What the name is stays, and contents that are locked do. Nothing goes yet.
    ///
    /// - Parameter request: as for `ChangeCatalog.changeLevel`.
    /// - Returns: the new record, which is in the outbox; `nil` where the newest word on the name says
    ///   so, or where there is none.
    func purge(
        _ name: FileName, time: Int64, request: RequestID?
    ) async throws(DepotError) -> FileRecord?

    /// Forgets what a purge of a name has let go of. Of words that came later nothing goes.
    func forgetPurged(_ name: FileName) async throws(DepotError) -> PurgedVersions

    /// What goes where names are deleted and purged. Reads every chunk, beside all else.
    ///
    /// - Parameter isRecursive: whether what is below the name goes, too.
    func purgePlan(
        _ name: FileName, isRecursive: Bool
    ) async throws(DepotError) -> PurgePlan

    /// Forgets what all names were before, where it ended so long ago, whatever policies say. Contents
    /// that are locked stay.
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
    /// Of its content.
    public let lock: ContentLock?

    public init(
        name: FileName, sequence: CommitSequence, time: Int64, content: Content, isCurrent: Bool,
        lock: ContentLock? = nil
    ) {
        self.name = name
        self.sequence = sequence
        self.time = time
        self.content = content
        self.isCurrent = isCurrent
        self.lock = lock
    }
}

/// What became of the words on a name.
public struct PurgedVersions: Sendable, Hashable {
    public let forgotten: Int
    /// Those that stay, because their contents are locked.
    public let locked: Int

    public init(forgotten: Int, locked: Int) {
        self.forgotten = forgotten
        self.locked = locked
    }
}

/// What a deletion with a purge would take.
public struct PurgePlan: Sendable, Hashable {
    /// Names that are there now.
    @Count public private(set) var names: Int
    /// What these, and deleted ones, were before.
    @Count public private(set) var versions: Int
    /// Names that keep something, because it is locked. Their bytes are not counted.
    @Count public private(set) var lockedNames: Int
    /// Of chunks that nothing else uses, each counted once.
    @ByteCount public private(set) var uniqueBytes: UInt64
    /// The same with all good copies.
    @ByteCount public private(set) var storedBytes: UInt64

    public init(
        names: Int, versions: Int, lockedNames: Int, uniqueBytes: UInt64, storedBytes: UInt64
    ) {
        self.names = names
        self.versions = versions
        self.lockedNames = lockedNames
        self.uniqueBytes = uniqueBytes
        self.storedBytes = storedBytes
    }
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
