/// What a record says of the words before it on its name, so that a catalog can be made again from the
/// newest record: what is locked of them, which ones are forgotten, and since when the name says the
/// same.
public struct NameHistory: Sendable, Hashable {
    public static let none = NameHistory()

    public var locks = ContentLocks.none
    /// Seconds since 1970 when the name began to say what the record says, where an earlier word on it
    /// said the same; `nil`: at the record's own time.
    public var since: Int64?
    /// Words of before this sequence were forgotten because somebody asked for it, but for those whose
    /// contents are locked.
    public var purged: CommitSequence?

    public init(
        locks: ContentLocks = .none, since: Int64? = nil, purged: CommitSequence? = nil
    ) {
        self.locks = locks
        self.since = since.map(FileRecord.clampedTime)
        self.purged = purged
    }

    /// As the record of a time says it: its own time is no other.
    func spelled(at time: Int64) -> NameHistory {
        NameHistory(locks: locks, since: since == time ? nil : since, purged: purged)
    }

    /// Whether it lets go of an earlier word on the name.
    public func forgets(_ word: FileRecord) -> Bool {
        guard let purged, word.sequence < purged else { return false }
        return word.contentID.map { locks[$0] == nil } ?? true
    }
}

extension FileRecord.Content {
    /// Whether a record with it says of its name what an earlier one says.
    public func repeats(_ earlier: Self) -> Bool {
        switch (earlier, self) {
        case (.deleted, .deleted): return true
        case (
            .file(let level, let manifest, let size, var before),
            .file(let newLevel, let newManifest, let newSize, var metadata)
        ):
            // Each deposit marks the names of one file anew.
            (before.hardLinks, metadata.hardLinks) = (nil, nil)
            return (level, manifest, size) == (newLevel, newManifest, newSize)
                && before == metadata
        case (.file, .deleted), (.deleted, .file): return false
        }
    }
}
