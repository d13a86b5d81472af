import DepotCore
import DepotSQLite

/// What names were before.
struct VersionTable {
    /// The copies that rows `w` ask for: no more than there are members that stay. Nobody lowers the
    /// level of what was, and a drain must not wait until it goes.
    static let demand = "min(max(w.target), (SELECT count(*) FROM member WHERE draining = 0))"

    let session: Session

    init(_ session: Session) { self.session = session }

    // MARK: Keeping

    private typealias Row = (
        manifest: Int64, size: UInt64, level: ReplicationLevel, since: Int64, record: Int64
    )

    /// Keeps the file of a name, which the next word is about to replace.
    ///
    /// - Parameters:
    ///   - next: that word.
    ///   - manifest: its content's; `nil` of a deletion.
    /// - Returns: since when the name says what the next word says.
    func keepFile(of next: FileRecord, with manifest: Int64?) throws -> Int64 {
        session.assertChange()
        let row = try session.statement(
            "SELECT manifest, size, level, coalesce(since, time), record FROM file WHERE name = ?"
        ).first(next.name) { row -> Row in
            try (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4))
        }
        guard let row else { return next.time }
        if try row.manifest == manifest && isRepeated(row, by: next) { return row.since }
        guard try keepsSomething(of: next.name, locks: next.locks) else {
            if row.manifest == manifest { return next.time }
            // It asked for the copies of the one before it, if that has the same content.
            try session.statement(
                """
                UPDATE version SET target = level WHERE name = ?1 AND manifest = ?2 AND deleted = 0
                    AND (epoch, counter) = (SELECT epoch, counter FROM version WHERE name = ?1
                        ORDER BY epoch DESC, counter DESC LIMIT 1)
                """
            ).run(next.name, row.manifest)
            return next.time
        }
        try session.statement(
            """
            INSERT INTO version (name, epoch, counter, deleted, manifest, size, level, target, time,
                since, record, ended)
            SELECT name, epoch, counter, 0, manifest, size, level, iif(manifest IS ?, 0, level),
                time, coalesce(since, time), record, ? FROM file WHERE name = ?
            """
        ).run(manifest, session.now, next.name)
        return next.time
    }

    /// Whether a policy or a lock wants something of a name.
    ///
    /// - Parameter locks: those that the next word says.
    private func keepsSomething(
        of name: FileName, locks: ContentLocks = .none
    ) throws -> Bool {
        try locks != .none || PolicyTable(session).policy(for: name) != .nothing
            || LockTable(session).active(name) != .none
    }

    /// Whether the next word says the same in all but its sequence and time, and what is locked.
    private func isRepeated(_ row: Row, by next: FileRecord) throws -> Bool {
        guard case .file(row.level, _, row.size, var metadata) = next.content,
            case .file(_, _, _, var before) = try RecordTable(session).record(row.record).content
        else { return false }
        // Each deposit marks the names of one file anew.
        (metadata.hardLinks, before.hardLinks) = (nil, nil)
        return metadata == before
    }

    /// Keeps the deletion of a name, which the next word is about to replace, unless that is one, too.
    ///
    /// - Returns: since when it was deleted; `nil` where it was not.
    func keepDeletion(of next: FileRecord) throws -> Int64? {
        session.assertChange()
        let since = try session.statement(
            "SELECT coalesce(since, time) FROM tombstone WHERE name = ?"
        ).first(next.name) { try $0.get(0, as: Int64.self) }
        guard since != nil, !next.isDeletion,
            try keepsSomething(of: next.name, locks: next.locks)
        else { return since }
        try session.statement(
            """
            INSERT INTO version (name, epoch, counter, deleted, manifest, size, level, target, time,
                since, record, ended)
            SELECT name, epoch, counter, 1, \(ManifestTable.empty), 0, level, 0, time,
                coalesce(since, time), record, ?
            FROM tombstone WHERE name = ?
            """
        ).run(session.now, next.name)
        return since
    }

    /// Enters a word that newer word is known of.
    ///
    /// - Returns: whether it was not known.
    func restore(_ record: FileRecord, manifest: Int64, number: Int64) throws -> Bool {
        session.assertChange()
        guard try keepsSomething(of: record.name) else { return false }
        var (size, isDeletion): (UInt64, Bool) = (0, true)
        if case .file(_, _, let bytes, _) = record.content { (size, isDeletion) = (bytes, false) }
        // Where the next word has the same content, this one asks for no copies.
        let next = try session.statement(
            """
            SELECT epoch, counter, manifest FROM file WHERE name = ?1 AND (epoch, counter) > (?2, ?3)
            UNION ALL SELECT epoch, counter, iif(deleted, NULL, manifest) FROM version
            WHERE name = ?1 AND (epoch, counter) > (?2, ?3) ORDER BY 1, 2 LIMIT 1
            """
        ).first(record.name, record.sequence.epoch, record.sequence.counter) {
            try $0.get(2, as: Int64?.self)
        }
        let isSame = next.flatMap { $0 } == manifest
        try session.statement(
            """
            INSERT INTO version (name, epoch, counter, deleted, manifest, size, level, target, time,
                since, record, ended)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?9, ?9, ?, ?) ON CONFLICT DO NOTHING
            """
        ).run(
            record.name, record.sequence.epoch, record.sequence.counter, isDeletion, manifest, size,
            record.level, isDeletion || isSame ? 0 : record.level.copies, record.time, number,
            session.now)
        return session.database.changesCount > 0
    }

    // MARK: Finding

    /// What a name was; `nil` where that is not kept, or was a deletion.
    func file(_ name: FileName, _ sequence: CommitSequence) throws -> FileTable.Found? {
        try session.statement(
            FileTable.selection(from: "version")
                + "WHERE f.name = ? AND f.epoch = ? AND f.counter = ? AND f.deleted = 0"
        ).first(name, sequence.epoch, sequence.counter) { try FileTable.Found($0) }
    }

    /// What stands for a word until its file is looked up.
    struct Word {
        let sequence: CommitSequence
        let since: Int64
        let isDeletion: Bool
        let isCurrent: Bool
    }

    /// The words on a name, the newest first.
    ///
    /// - Parameters:
    ///   - time: only those that were there by then.
    ///   - before: only older ones.
    func words(
        of name: FileName, until time: Int64 = .max, before: CommitSequence? = nil, limit: Int
    ) throws -> [Word] {
        try session.statement(
            """
            SELECT epoch, counter, coalesce(since, time) AS begin, 0, 1 FROM file
            WHERE name = ?1 AND begin <= ?2 AND (epoch, counter) < (?3, ?4)
            UNION ALL SELECT epoch, counter, coalesce(since, time) AS begin, 1, 1 FROM tombstone
            WHERE name = ?1 AND begin <= ?2 AND (epoch, counter) < (?3, ?4)
            UNION ALL SELECT epoch, counter, since, deleted, 0 FROM version
            WHERE name = ?1 AND since <= ?2 AND (epoch, counter) < (?3, ?4)
            ORDER BY 1 DESC, 2 DESC LIMIT ?5
            """
        ).all(
            name, time, before?.epoch ?? CommitSequence.epochMax + 1, before?.counter ?? 0,
            limit
        ) { row in
            try Word(
                sequence: row.sequence(0), since: row.get(2), isDeletion: row.get(3),
                isCurrent: row.get(4))
        }
    }

    /// What a name was last, before its deletion.
    func lastFile(of name: FileName) throws -> FileTable.Found? {
        let sequence = try session.statement(
            """
            SELECT epoch, counter FROM version WHERE name = ? AND deleted = 0
            ORDER BY epoch DESC, counter DESC LIMIT 1
            """
        ).first(name) { try $0.sequence(0) }
        return try sequence.flatMap { try file(name, $0) }
    }

    /// The file of a word.
    func file(of word: Word, _ name: FileName) throws -> FileTable.Found? {
        if word.isDeletion { return nil }
        return word.isCurrent ? try FileTable(session).known(name) : try file(name, word.sequence)
    }
}
