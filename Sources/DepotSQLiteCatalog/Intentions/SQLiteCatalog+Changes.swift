import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    public func changeLevel(
        of name: FileName, expected: CommitSequence, to level: ReplicationLevel,
        copiesRequired: Int, time: Int64
    ) async throws(DepotError) -> FileRecord {
        try await queue.change { session in
            let found = try FileTable.find(name, session)
            let entry = found.entry
            guard entry.sequence == expected else {
                throw DepotError(
                    .conflict,
                    "the file was committed again: expected sequence \(expected), "
                        + "found \(entry.sequence); plan again",
                    object: name.text)
            }
            try Self.require(copiesRequired, of: found.manifest, for: name, session)
            let (record, number) = try Publication.enter(
                name: name, time: time,
                content: .file(
                    level: level, manifest: entry.manifest, size: entry.size,
                    metadata: entry.metadata), session)
            try Publication.put(record, manifest: found.manifest, number: number, session)
            return record
        }
    }

    private static func require(
        _ copies: Int, of manifest: Int64, for name: FileName, _ session: Session
    ) throws {
        let scarce = try session.statement(
            """
            SELECT c.hash, count(h.replica) AS copies
            FROM reference r CROSS JOIN chunk c ON c.id = r.chunk
            LEFT JOIN holding h ON h.chunk = r.chunk AND h.state = 1
            WHERE r.manifest = ? GROUP BY r.chunk HAVING copies < ?
            """
        ).first(manifest, copies) { try ($0.get(0, as: ChunkID.self), $0.get(1, as: Int.self)) }
        guard let (chunk, found) = scarce else { return }
        throw DepotError(
            .notEnoughReplicas,
            "chunk \(chunk) has \(found) good copies, \(copies) are required; the level stays",
            object: name.text)
    }

    public func delete(_ name: FileName, time: Int64) async throws(DepotError) -> FileRecord {
        try await queue.change { session in
            let level = try FileTable.find(name, session).entry.level
            let (record, number) = try Publication.enter(
                name: name, time: time, content: .deleted(level: level), session)
            try Publication.bury(record, level: level, number: number, session)
            return record
        }
    }
}
