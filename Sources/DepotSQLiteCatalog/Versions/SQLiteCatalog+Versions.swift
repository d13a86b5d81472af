import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    public func versions(
        of name: FileName, before: CommitSequence?, limit: Int
    ) async throws(DepotError) -> [FileWord] {
        try Self.checkPage(limit)
        return try await queue.view { session in
            let table = VersionTable(session)
            let locks = try LockTable(session).active(name)
            var (words, size) = ([FileWord](), 0)
            for word in try table.words(of: name, before: before, limit: limit) {
                let file = try table.file(of: word, name)
                size += file?.textSize ?? 0
                // A page is cut where its records are long, as `FilePage` is.
                if !words.isEmpty, size > limit * FilePage.entrySize { break }
                words.append(
                    FileWord(
                        name: name, sequence: word.sequence, time: word.since,
                        content: file.map { .file($0.entry) } ?? .deleted,
                        isCurrent: word.isCurrent,
                        lock: file.flatMap { locks[$0.entry.manifest.id] }))
            }
            return words
        }
    }

    // MARK: Lists

    /// Names of which a page lists nothing: so long others wait.
    private static let passedMax = 1_000

    public func files(
        at time: Int64, prefix: String, after: FileName?, limit: Int
    ) async throws(DepotError) -> FilePage {
        try Self.checkPage(limit)
        return try await queue.view { session in
            let names = """
                SELECT name FROM file WHERE name >= ?1
                UNION SELECT name FROM version WHERE name >= ?1 ORDER BY name
                """
            return try Self.page(of: names, prefix: prefix, after: after, limit: limit, session) {
                name in
                try VersionTable(session).file(name, at: time)
            }
        }
    }

    public func deletedFiles(
        prefix: String, after: FileName?, limit: Int
    ) async throws(DepotError) -> FilePage {
        try Self.checkPage(limit)
        return try await queue.view { session in
            let names = "SELECT name FROM tombstone WHERE name >= ?1 ORDER BY name"
            return try Self.page(of: names, prefix: prefix, after: after, limit: limit, session) {
                name in
                try Self.deleted(name, session)
            }
        }
    }

    /// What a name was before it was deleted; `nil` where it is not, or nothing is kept.
    private static func deleted(_ name: FileName, _ session: Session) throws -> FileTable.Found? {
        let isDeleted = try session.statement("SELECT 1 FROM tombstone WHERE name = ?")
            .first(name) { _ in true }
        return isDeleted == nil ? nil : try VersionTable(session).lastFile(of: name)
    }

    /// - Parameters:
    ///   - names: those from the first value on, in order, in SQL.
    ///   - find: what the page lists of a name; `nil` where that is nothing.
    private static func page(
        of names: String, prefix: String, after: FileName?, limit: Int, _ session: Session,
        _ find: (FileName) throws -> FileTable.Found?
    ) throws -> FilePage {
        let start = start(prefix: prefix, after: after)
        var (entries, size, hasMore) = ([FileEntry](), 0, false)
        var (passed, last, next) = (0, nil as FileName?, nil as FileName?)
        try session.statement(names).visit(start.text) { row in
            let name = try row.get(0, as: FileName.self)
            if isHidden(name, below: prefix) { return true }
            if !start.isIncluded, name.text.equalsByBytes(start.text) { return true }
            guard name.text.utf8.starts(with: prefix.utf8) else { return false }
            guard passed < passedMax else {
                (hasMore, next) = (true, last)
                return false
            }
            guard let found = try find(name) else {
                (passed, last) = (passed + 1, name)
                return true
            }
            last = name
            size += found.textSize
            hasMore =
                entries.count == limit || !entries.isEmpty && size > limit * FilePage.entrySize
            if !hasMore { entries.append(found.entry) }
            return !hasMore
        }
        return FilePage(files: entries, hasMore: hasMore, next: next)
    }

    // MARK: Changes

    public func revert(
        _ name: FileName, to version: CommitSequence?, time: Int64, request: RequestID?
    ) async throws(DepotError) -> FileRecord {
        try await queue.change { session in
            if let request, let made = try RecordTable(session).find(name, madeBy: request) {
                return made.record
            }
            try Self.refuseReserved(name)
            let found = try Self.version(version, of: name, session)
            let entry = found.entry
            let publication = Publication(session)
            let (record, number) = try publication.enter(
                name: name, time: time,
                content: .file(
                    level: entry.level, manifest: entry.manifest, size: entry.size,
                    metadata: entry.metadata),
                request: request)
            try publication.put(record, manifest: found.manifest, number: number)
            return record
        }
    }

    private static func version(
        _ version: CommitSequence?, of name: FileName, _ session: Session
    ) throws -> FileTable.Found {
        if let version { return try FileTable(session).find(VersionName(name, version)) }
        if let found = try deleted(name, session) { return found }
        guard try FileTable(session).known(name) == nil else {
            throw DepotError(.conflict, "it is not deleted", object: name.text)
        }
        throw DepotError(
            .notFound, "nothing is kept of it from before its deletion", object: name.text)
    }

    public func purge(
        _ name: FileName, time: Int64, request: RequestID?
    ) async throws(DepotError) -> FileRecord? {
        try await queue.change { session in
            let table = RecordTable(session)
            if let request, let made = try table.find(name, madeBy: request) { return made.record }
            try Self.refuseReserved(name)
            // Nothing was said since somebody asked for it.
            guard let word = try table.newestRecord(of: name),
                word.history.purged != word.sequence
            else { return nil }
            return try Publication(session).repeatWord(
                on: name, time: time, request: request, purges: true)
        }
    }

    public func forgetPurged(_ name: FileName) async throws(DepotError) -> PurgedVersions {
        var (forgotten, locked) = (0, 0)
        while true {
            let step = try await queue.change { session in
                try ChunkUse.requireKnown(session)
                return try VersionTable(session).forgetPurged(of: name)
            }
            forgotten += step.forgotten
            locked = step.locked
            guard step.hasMore else {
                return PurgedVersions(forgotten: forgotten, locked: locked)
            }
        }
    }
}
