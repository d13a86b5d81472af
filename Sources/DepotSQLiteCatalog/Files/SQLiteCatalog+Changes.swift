import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    public func change(
        of name: FileName, madeBy request: RequestID
    ) async throws(DepotError) -> EarlierChange? {
        try await queue.view { session in
            let records = RecordTable(session)
            guard let (number, _) = try records.find(name, madeBy: request) else { return nil }
            return EarlierChange(
                try records.kept(number), isNewest: try records.isCurrent(number))
        }
    }

    public func record(of name: FileName) async throws(DepotError) -> KeptRecord? {
        try await queue.view { session in
            let number = try session.statement("SELECT record FROM file WHERE name = ?")
                .first(name) { try $0.get(0, as: Int64.self) }
            return try number.map { try RecordTable(session).kept($0) }
        }
    }

    public func undelivered(_ name: FileName) async throws(DepotError) -> KeptRecord? {
        try await queue.view { try RecordTable($0).undelivered(name) }
    }

    public func changeLevel(
        of name: FileName, expected: CommitSequence, to level: ReplicationLevel,
        copiesRequired: Int, counting: Set<ReplicaID>, time: Int64, request: RequestID?
    ) async throws(DepotError) -> FileRecord {
        try await queue.change { session in
            if let made = try Self.made(name, request, session) {
                return try made.require(level: level)
            }
            try Self.refuseReserved(name)
            let found = try FileTable(session).find(name)
            let entry = found.entry
            guard entry.sequence == expected else {
                throw DepotError(
                    .conflict,
                    "the file was committed again: expected sequence \(expected), "
                        + "found \(entry.sequence); plan again",
                    object: name.text)
            }
            try Self.require(
                copiesRequired, on: counting, of: found.manifest, for: name, session)
            let publication = Publication(session)
            let (record, number) = try publication.enter(
                name: name, time: time,
                content: .file(
                    level: level, manifest: entry.manifest, size: entry.size,
                    metadata: entry.metadata),
                origin: found.origin, request: request)
            try publication.put(record, manifest: found.manifest, number: number)
            return record
        }
    }

    private static func made(
        _ name: FileName, _ request: RequestID?, _ session: Session
    ) throws -> FileRecord? {
        guard let request else { return nil }
        return try RecordTable(session).find(name, madeBy: request)?.record
    }

    private static func require(
        _ copies: Int, on counting: Set<ReplicaID>, of manifest: Int64, for name: FileName,
        _ session: Session
    ) throws {
        let mask = try session.members().mask(of: counting)
        let scarce = try session.statement(
            """
            SELECT c.hash, \(CopySQL(session).goodCount(on: mask)) AS copies
            FROM (SELECT chunk FROM reference WHERE manifest = ?1
                UNION ALL SELECT -?1 WHERE ?1 < 0) r
            CROSS JOIN chunk c ON c.id = r.chunk WHERE copies < ?2
            """
        ).first(manifest, copies) {
            try ($0.get(0, as: ChunkID.self), $0.get(1, as: Int.self))
        }
        guard let (chunk, found) = scarce else { return }
        throw DepotError(
            .notEnoughReplicas,
            "chunk \(chunk) has \(found) good copies, \(copies) are required; the level stays",
            object: name.text)
    }

    public func delete(
        _ name: FileName, expected: FileExpectation, time: Int64, request: RequestID?
    ) async throws(DepotError) -> FileRecord {
        try await queue.change { session in
            if let made = try Self.made(name, request, session) {
                return try made.requireDeletion()
            }
            try Self.refuseReserved(name)
            let entry = try FileTable(session).find(name).entry
            guard expected.holds(for: entry.sequence) else {
                throw DepotError(
                    .conflict, "the file was committed again; it was not deleted",
                    object: name.text)
            }
            let level = entry.level
            let publication = Publication(session)
            let (record, number) = try publication.enter(
                name: name, time: time, content: .deleted(level: level), request: request)
            try publication.bury(record, level: level, number: number)
            return record
        }
    }
}
