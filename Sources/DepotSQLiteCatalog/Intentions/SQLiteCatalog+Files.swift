import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    public func file(_ name: FileName) async throws(DepotError) -> FileEntry {
        try await queue.view { try FileTable.find(name, $0).entry }
    }

    public func files(
        prefix: String, after: FileName?, limit: Int
    ) async throws(DepotError) -> [FileEntry] {
        try Self.checkPage(limit)
        return try await queue.view { session in
            // Names with the prefix are neighbours: read on from the first until one has it not.
            let start = FileTable.start(prefix: prefix, after: after)
            let statement = try session.statement(
                FileTable.selection
                    + "WHERE f.name \(start.isIncluded ? ">=" : ">") ? ORDER BY f.name LIMIT ?")
            var entries: [FileEntry] = []
            try statement.visit(start.text, limit) { row in
                let entry = try FileTable.Found(row).entry
                guard entry.name.text.utf8.starts(with: prefix.utf8) else { return false }
                entries.append(entry)
                return true
            }
            return entries
        }
    }
}

/// The live files.
enum FileTable {
    static let selection = """
        SELECT f.name, f.epoch, f.counter, c.hash, c.length, f.size, f.level, f.mode, f.modified,
            f.content_type, f.time, f.manifest
        FROM file f CROSS JOIN chunk c ON c.id = f.manifest

        """

    struct Found {
        let entry: FileEntry
        /// The manifest's number.
        let manifest: Int64

        init(_ row: SQLRow) throws {
            let mode = try row.get(7, as: Int?.self)
            entry = try FileEntry(
                name: row.get(0), sequence: CommitSequence(epoch: row.get(1), counter: row.get(2)),
                manifest: ChunkReference(id: row.get(3), length: row.get(4)), size: row.get(5),
                level: row.get(6),
                metadata: FileMetadata(
                    mode: mode.flatMap { UInt16(exactly: $0) }, modifiedNanoseconds: row.get(8),
                    contentType: row.get(9)),
                time: row.get(10))
            manifest = try row.get(11)
        }
    }

    /// - Throws: `notFound`.
    static func find(_ name: FileName, _ session: Session) throws -> Found {
        let found = try session.statement(selection + "WHERE f.name = ?").first(name) {
            try Found($0)
        }
        guard let found else {
            throw DepotError(.notFound, "no such file in the depot", object: name.text)
        }
        return found
    }

    /// The later of the two, by bytes.
    static func start(prefix: String, after: FileName?) -> (text: String, isIncluded: Bool) {
        guard let after, !after.text.utf8.lexicographicallyPrecedes(prefix.utf8) else {
            return (prefix, true)
        }
        return (after.text, false)
    }
}
