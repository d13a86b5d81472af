import DepotCore
import DepotSQLite
import NIOCore

/// What commits, level changes and deletions have in common: the next sequence, a record in the
/// outbox, and the name's row.
struct Publication {
    private let session: Session

    init(_ session: Session) {
        session.assertChange()
        self.session = session
    }

    /// A record that is kept alone.
    ///
    /// - Parameters:
    ///   - origin: the commit that brought the content, where this one brings none.
    ///   - locks: `nil`: as they are.
    ///   - purges: whether the words before this one are to be forgotten.
    /// - Returns: the record and its number.
    /// - Throws: `invalidArgument` where the content has no spelling as a record.
    func enter(
        name: FileName, time: Int64, content: FileRecord.Content, origin: CommitSequence? = nil,
        request: RequestID? = nil, locks: ContentLocks? = nil, purges: Bool = false
    ) throws -> (record: FileRecord, number: Int64) {
        let record = try next(
            name: name, time: time, content: content, origin: origin, request: request,
            locks: locks, purges: purges)
        return (
            record, try RecordTable(session).insert(RecordBatch(record), isPending: true).object
        )
    }

    /// The record of the next commit, which is to be entered.
    ///
    /// - Throws: `invalidArgument` where the content has no spelling as a record.
    func next(
        name: FileName, time: Int64, content: FileRecord.Content, origin: CommitSequence? = nil,
        request: RequestID? = nil, locks: ContentLocks? = nil, purges: Bool = false
    ) throws -> FileRecord {
        let cluster = ClusterTable(session)
        let last = try cluster.row().sequence
        guard last.counter < CommitSequence.counterMax else {
            throw DepotError(
                .tooLarge,
                "there is no commit behind \(last) in this epoch; 'depot rebuild-catalog' begins "
                    + "the next one")
        }
        try session.statement("UPDATE cluster SET counter = counter + 1").run()
        let row = try cluster.row()
        let table = RecordTable(session)
        let before = try table.newestRecord(of: name)
        var said = try locks ?? LockTable(session).active(name)
        // What cannot be taken over is followed by this word: what it locks must not be lost with it.
        for word in try table.unexplained(name)
        where before.map({ $0.sequence < word.sequence }) ?? true {
            said = try said.joined(with: word.locks)
        }
        let record = FileRecord(
            cluster: row.identity.cluster, name: name, sequence: row.sequence, time: time,
            content: content, origin: origin, request: request,
            history: NameHistory(
                locks: said,
                since: before.flatMap { content.repeats($0.content) ? $0.began : nil },
                purged: purges ? row.sequence : before?.history.purged))
        // What could not be read back would stop the outbox.
        guard try FileRecord(reading: ByteBuffer(bytes: record.text)) == record else {
            throw DepotError(
                .invalidArgument, "the file's size is not that of its only chunk, or of nothing",
                object: name.text)
        }
        return record
    }

    /// Says once more what a name is, and something else of the words before.
    ///
    /// - Parameters: as `enter`.
    /// - Throws: `notFound` where it never was anything, as far as is known.
    func repeatWord(
        on name: FileName, time: Int64, request: RequestID?, locks: ContentLocks? = nil,
        purges: Bool = false
    ) throws -> FileRecord {
        if let current = try FileTable(session).known(name) {
            let entry = current.entry
            let (record, number) = try enter(
                name: name, time: time,
                content: .file(
                    level: entry.level, manifest: entry.manifest, size: entry.size,
                    metadata: entry.metadata),
                origin: current.origin, request: request, locks: locks, purges: purges)
            try put(record, manifest: current.manifest, number: number)
            return record
        }
        guard let level = try RecordTable(session).newestRecord(of: name)?.level else {
            throw DepotError(.notFound, "no such file in the depot", object: name.text)
        }
        let (record, number) = try enter(
            name: name, time: time, content: .deleted(level: level), request: request, locks: locks,
            purges: purges)
        try bury(record, level: level, number: number)
        return record
    }

    /// Makes the record's file the one of its name.
    ///
    /// - Parameter receipt: what the deposit is told that commits it; `nil` where none does.
    func put(
        _ record: FileRecord, manifest: Int64, number: Int64, receipt: Receipt? = nil
    ) throws {
        guard case .file(let level, _, let size, _) = record.content else {
            return assertionFailure("the record of a deletion is no file's")
        }
        try leave(for: record, number, with: manifest)
        if PolicyScope.isReserved(record.name) { session.policiesChanged() }
        try session.statement(
            """
            INSERT INTO file (name, epoch, counter, manifest, size, level, time, record, since,
                deposit, copies, chunks, new_chunks, new_bytes, shared_bytes)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET epoch = excluded.epoch, counter = excluded.counter,
                manifest = excluded.manifest, size = excluded.size, level = excluded.level,
                mode = NULL, modified = NULL, content_type = NULL, time = excluded.time,
                record = excluded.record, since = excluded.since,
                deposit = excluded.deposit, copies = excluded.copies, chunks = excluded.chunks,
                new_chunks = excluded.new_chunks, new_bytes = excluded.new_bytes, shared_bytes = excluded.shared_bytes
            """
        ).run(
            record.name, record.sequence.epoch, record.sequence.counter, manifest, size, level,
            record.time, number, record.history.since, receipt?.deposit, receipt?.copies,
            receipt?.chunks, receipt?.newChunks, receipt?.newBytes, receipt?.sharedBytes)
    }

    /// Keeps what is said of a name, which the next word takes the place of: its receipt, its version,
    /// and that it is in use until a majority has that word. Of a deletion nothing is left in place.
    ///
    /// - Parameter manifest: the next word's; `nil` of a deletion.
    private func leave(for next: FileRecord, _ number: Int64, with manifest: Int64?) throws {
        try ReplacedFiles(session).note(next.name, by: number, with: manifest)
        try ReceiptTable(session).moveOut(of: next.name)
        let versions = VersionTable(session)
        try versions.keepDeletion(of: next)
        try session.statement("DELETE FROM tombstone WHERE name = ?").run(next.name)
        try versions.keepFile(of: next, with: manifest)
        try LockTable(session).note(next.locks, of: next.name)
    }

    /// Puts the record's tombstone in the place of the file.
    func bury(_ record: FileRecord, level: ReplicationLevel, number: Int64) throws {
        try leave(for: record, number, with: nil)
        try session.statement("DELETE FROM file WHERE name = ?").run(record.name)
        if PolicyScope.isReserved(record.name) { session.policiesChanged() }
        try session.statement(
            """
            INSERT INTO tombstone (name, epoch, counter, level, time, record, since)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """
        ).run(
            record.name, record.sequence.epoch, record.sequence.counter, level, record.time,
            number, record.history.since)
    }
}
