import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    public func file(_ name: FileName) async throws(DepotError) -> FileEntry {
        try await queue.view { session in
            let entry = try FileTable(session).find(name).entry
            guard entry.lock != nil else { return entry }
            // What its record says may be over.
            return entry.locked(by: try LockTable(session).active(name)[entry.manifest.id])
        }
    }

    public func files(
        prefix: String, after: FileName?, limit: Int
    ) async throws(DepotError) -> FilePage {
        try Self.checkPage(limit)
        return try await queue.view { session in
            // Names with the prefix are neighbours: read on from the first until one has it not.
            let start = Self.start(prefix: prefix, after: after)
            let statement = try session.statement(
                FileTable.selection
                    + "WHERE f.name \(start.isIncluded ? ">=" : ">") ? ORDER BY f.name")
            var (entries, size, hasMore) = ([FileEntry](), 0, false)
            try statement.visit(start.text) { row in
                let found = try FileTable.Found(row)
                guard found.entry.name.text.utf8.starts(with: prefix.utf8) else { return false }
                if Self.isHidden(found.entry.name, below: prefix) { return true }
                size += found.textSize
                hasMore =
                    entries.count == limit
                    || !entries.isEmpty && size > limit * FilePage.entrySize
                if !hasMore { entries.append(found.entry) }
                return !hasMore
            }
            return FilePage(files: entries, hasMore: hasMore)
        }
    }

    /// Whether a list leaves a name out, because it is the depot's own: lists of such names have it.
    static func isHidden(_ name: FileName, below prefix: String) -> Bool {
        PolicyScope.isReserved(name) && !PolicyScope.isReserved(prefix)
    }

    /// - Throws: `invalidArgument` for a name of the depot's own.
    static func refuseReserved(_ name: FileName) throws(DepotError) {
        guard !PolicyScope.isReserved(name) else {
            throw DepotError(
                .invalidArgument,
                "names that begin with '.depot/' are the depot's own; "
                    + "'depot policy' changes them", object: name.text)
        }
    }

    /// The later of the two, by bytes.
    static func start(
        prefix: String, after: FileName?
    ) -> (text: String, isIncluded: Bool) {
        guard let after, !after.text.precedesByBytes(prefix) else {
            return (prefix, true)
        }
        return (after.text, false)
    }

    public func files(
        using chunk: ChunkID, limit: Int
    ) async throws(DepotError) -> [FileName] {
        try Self.checkPage(limit)
        return try await queue.view { session in
            guard let known = try ChunkTable(session).find(chunk) else { return [] }
            return try session.statement(
                """
                SELECT f.name AS name FROM reference r
                CROSS JOIN file f ON f.manifest = r.manifest WHERE r.chunk = ?1
                UNION SELECT f.name FROM file f WHERE f.manifest = -?1
                UNION SELECT w.name FROM reference r
                CROSS JOIN version w ON w.manifest = r.manifest WHERE r.chunk = ?1
                UNION SELECT w.name FROM version w WHERE w.manifest = -?1 ORDER BY name LIMIT ?2
                """
            ).all(known.number, limit) { try $0.get(0) }
        }
    }

    public func lower(
        _ receipt: Receipt, to copies: Int
    ) async throws(DepotError) -> Receipt {
        try await queue.change { try ReceiptTable($0).lower(receipt, to: copies) }
        return receipt.lowered(to: copies)
    }

    public func receipt(
        of name: FileName, deposit: DepositID
    ) async throws(DepotError) -> Receipt? {
        try await queue.view { try ReceiptTable($0).find(name, deposit: deposit)?.receipt }
    }
}
