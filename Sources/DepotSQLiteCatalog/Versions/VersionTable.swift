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
        manifest: Int64, level: ReplicationLevel, record: Int64
    )

    /// Keeps the file of a name, which the next word is about to replace, unless that says the same.
    ///
    /// - Parameters:
    ///   - next: that word.
    ///   - manifest: its content's; `nil` of a deletion.
    func keepFile(of next: FileRecord, with manifest: Int64?) throws {
        session.assertChange()
        let row = try session.statement("SELECT manifest, level, record FROM file WHERE name = ?")
            .first(next.name) { row -> Row in try (row.get(0), row.get(1), row.get(2)) }
        guard let row else { return }
        if row.manifest == manifest, row.level == next.level,
            try next.content.repeats(RecordTable(session).record(row.record).content)
        {
            return
        }
        guard try keepsSomething(of: next.name, locks: next.locks) else {
            if row.manifest == manifest { return }
            // It asked for the copies of the one before it, if that has the same content.
            try session.statement(
                """
                UPDATE version SET target = level WHERE name = ?1 AND manifest = ?2 AND deleted = 0
                    AND (epoch, counter) = (SELECT epoch, counter FROM version WHERE name = ?1
                        ORDER BY epoch DESC, counter DESC LIMIT 1)
                """
            ).run(next.name, row.manifest)
            return
        }
        try session.statement(
            """
            INSERT INTO version (name, epoch, counter, deleted, manifest, size, level, target, time,
                since, until, record, ended)
            SELECT name, epoch, counter, 0, manifest, size, level, iif(manifest IS ?, 0, level),
                time, coalesce(since, time), ?, record, ? FROM file WHERE name = ?
            """
        ).run(manifest, next.began, session.now, next.name)
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

    /// Keeps the deletion of a name, which the next word is about to replace, unless that is one, too.
    func keepDeletion(of next: FileRecord) throws {
        session.assertChange()
        if case .deleted = next.content { return }
        guard try keepsSomething(of: next.name, locks: next.locks) else { return }
        try session.statement(
            """
            INSERT INTO version (name, epoch, counter, deleted, manifest, size, level, target, time,
                since, until, record, ended)
            SELECT name, epoch, counter, 1, \(ManifestTable.empty), 0, level, 0, time,
                coalesce(since, time), ?, record, ?
            FROM tombstone WHERE name = ?
            """
        ).run(next.began, session.now, next.name)
    }

    /// Enters a word that newer word is known of.
    ///
    /// - Returns: whether it was not known.
    func restore(_ record: FileRecord, manifest: Int64, number: Int64) throws -> Bool {
        session.assertChange()
        guard try keepsSomething(of: record.name) else { return false }
        let history = try RecordTable(session).newestRecord(of: record.name)?.history ?? .none
        if history.forgets(record) { return false }
        var (size, isDeletion): (UInt64, Bool) = (0, true)
        if case .file(_, _, let bytes, _) = record.content { (size, isDeletion) = (bytes, false) }
        let next = try next(after: record)
        // Its name began to say what the next word says with this one, or before.
        if let next, next.record.began == record.began,
            next.record.content.repeats(record.content)
        {
            return false
        }
        // Where the next word has the same content, this one asks for no copies.
        let isSame = next?.manifest == manifest
        // Among words that were purged nobody knows what came after one that is locked.
        let isAlone = history.purged.map { record.sequence < $0 } ?? false
        let until = isAlone ? record.began : next?.record.began ?? .max
        try session.statement(
            """
            INSERT INTO version (name, epoch, counter, deleted, manifest, size, level, target, time,
                since, until, record, ended)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
            """
        ).run(
            record.name, record.sequence.epoch, record.sequence.counter, isDeletion, manifest, size,
            record.level, isDeletion || isSame ? 0 : record.level.copies, record.time,
            record.began, until, number, session.now)
        return session.database.changesCount > 0
    }

    /// The first known word on a name after another one; its manifest is `nil` of a deletion.
    private func next(
        after word: FileRecord
    ) throws -> (manifest: Int64?, record: FileRecord)? {
        try session.statement(
            """
            SELECT epoch, counter, record, manifest FROM file
            WHERE name = ?1 AND (epoch, counter) > (?2, ?3)
            UNION ALL SELECT epoch, counter, record, NULL FROM tombstone
            WHERE name = ?1 AND (epoch, counter) > (?2, ?3)
            UNION ALL SELECT epoch, counter, record, iif(deleted, NULL, manifest) FROM version
            WHERE name = ?1 AND (epoch, counter) > (?2, ?3) ORDER BY 1, 2 LIMIT 1
            """
        ).first(word.name, word.sequence.epoch, word.sequence.counter) {
            try ($0.get(3), RecordTable(session).record($0.get(2)))
        }
    }

    // MARK: Finding

    /// What a name was; `nil` where that is not kept, or was a deletion.
    func file(_ name: FileName, _ sequence: CommitSequence) throws -> FileTable.Found? {
        try session.statement(
            FileTable.selection(from: "version")
                + "WHERE f.name = ? AND f.epoch = ? AND f.counter = ? AND f.deleted = 0"
        ).first(name, sequence.epoch, sequence.counter) { try FileTable.Found($0) }
    }

    /// Words that are looked at for one that another one has taken the place of.
    private static let lookedAtMax = 1_000

    /// The newest file whose content a commit has brought, where its own word is not kept any more.
    func file(_ name: FileName, broughtBy origin: CommitSequence) throws -> FileTable.Found? {
        var found: FileTable.Found?
        try session.statement(
            FileTable.selection(from: "version")
                + "WHERE f.name = ? AND (f.epoch, f.counter) > (?, ?) AND f.deleted = 0 "
                + "ORDER BY f.epoch, f.counter LIMIT ?"
        ).visit(name, origin.epoch, origin.counter, Self.lookedAtMax) { row in
            let file = try FileTable.Found(row)
            if file.origin == origin { found = file }
            return true
        }
        return found
    }

    /// What stands for a word until its file is looked up.
    struct Word {
        let sequence: CommitSequence
        let since: Int64
        /// Since when the name said another word, which need not be known still; `nil` of what it says
        /// now.
        let until: Int64?
        let isDeletion: Bool

        var isCurrent: Bool { until == nil }
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
            SELECT epoch, counter, coalesce(since, time) AS begin, 0, NULL FROM file
            WHERE name = ?1 AND begin <= ?2 AND (epoch, counter) < (?3, ?4)
            UNION ALL SELECT epoch, counter, coalesce(since, time) AS begin, 1, NULL FROM tombstone
            WHERE name = ?1 AND begin <= ?2 AND (epoch, counter) < (?3, ?4)
            UNION ALL SELECT epoch, counter, since, deleted, until FROM version
            WHERE name = ?1 AND since <= ?2 AND (epoch, counter) < (?3, ?4)
            ORDER BY 1 DESC, 2 DESC LIMIT ?5
            """
        ).all(
            name, time, before?.epoch ?? CommitSequence.epochMax + 1, before?.counter ?? 0,
            limit
        ) { row in
            try Word(
                sequence: row.sequence(0), since: row.get(2), until: row.get(4, as: Int64?.self),
                isDeletion: row.get(3))
        }
    }

    /// What a name was at an instant; `nil` where it was nothing, or that is not known any more.
    func file(_ name: FileName, at time: Int64) throws -> FileTable.Found? {
        guard let word = try words(of: name, until: time, limit: 1).first,
            word.until.map({ time < $0 }) ?? true
        else { return nil }
        return try file(of: word, name)
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
