import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    public func isPartial() async throws(DepotError) -> Bool {
        try await queue.view { try ClusterTable($0).isPartial() }
    }

    private static func requirePartial(_ session: Session) throws {
        guard try ClusterTable(session).isPartial() else {
            throw DepotError(
                .conflict, "the catalog is not being rebuilt, and takes nothing from replicas")
        }
    }

    public func restore(
        manifest: ChunkReference, chunks: [ChunkReference], pieces: [ChunkReference]
    ) async throws(DepotError) {
        try await queue.change { session in
            try Self.requirePartial(session)
            try ManifestTable(session).restore(
                ManifestPage(of: manifest, chunks: chunks, pieces: pieces, isLast: true))
        }
    }

    public func enter(_ batch: RecordBatch, on replica: ReplicaID) async throws(DepotError) {
        try await queue.change { session in
            try Self.requirePartial(session)
            let epoch = try ClusterTable(session).row().identity.epoch
            // What is committed from now on must be newer than everything that was.
            if let later = batch.records.first(where: { $0.sequence.epoch > epoch }) {
                throw DepotError(
                    .conflict,
                    "this record is of epoch \(later.sequence.epoch), the catalog of epoch "
                        + "\(epoch); rebuild it again, with a higher one",
                    object: later.name.text)
            }
            let table = RecordTable(session)
            let (object, _) = try table.insert(batch, isPending: false, isExplained: false)
            try table.noteHolding(of: object, on: session.members().number(of: replica))
        }
    }

    public func restorable(
        after name: FileName?, limit: Int
    ) async throws(DepotError) -> [RestorableName] {
        try Self.checkPage(limit)
        return try await queue.view { session in
            let names = try session.statement(
                """
                SELECT name FROM record WHERE name > ?1
                UNION SELECT name FROM line WHERE name > ?1 ORDER BY name LIMIT ?2
                """
            ).all(name?.text ?? "", limit) { try $0.get(0, as: FileName.self) }
            return try names.map { try RestorableName($0, Self.versions(of: $0, session)) }
        }
    }

    private static func versions(
        of name: FileName, _ session: Session
    ) throws -> [AddressedRecord] {
        let versions = try session.statement(
            """
            SELECT text, hash, hash, 0 FROM record WHERE name = ?1
            UNION ALL SELECT l.text, l.hash, o.hash, l.id - o.line FROM line l
            CROSS JOIN record o ON o.id = l.record WHERE l.name = ?1
            """
        ).all(name) { row in
            let hash = try row.get(1, as: ChunkID.self)
            return try (
                hash: hash,
                version: AddressedRecord(
                    RecordTable.parse(row.get(0), hash: hash),
                    at: RecordAddress(batch: row.get(2), index: row.get(3)))
            )
        }
        // Of two with one sequence the survey of a rebuild looks at the first, too.
        return versions.sorted {
            let (left, right) = ($0.version.record.sequence, $1.version.record.sequence)
            return left != right ? left > right : $0.hash < $1.hash
        }.map(\.version)
    }

    public func restore(_ records: [RecordAddress]) async throws(DepotError) {
        try await queue.change { session in
            try Self.requirePartial(session)
            let table = RecordTable(session)
            for address in records {
                let number = try Self.number(at: address, table)
                try Self.publish(table.kept(number).record, number: number, session)
            }
        }
    }

    private static func number(at address: RecordAddress, _ table: RecordTable) throws -> Int64 {
        guard let number = try table.number(at: address) else {
            throw DepotError(
                .notFound, "no record was entered that is the \(address.index)th of this batch",
                object: address.batch.hex)
        }
        return number
    }

    public func leaveUnexplained(_ records: [RecordAddress]) async throws(DepotError) {
        try await queue.change { session in
            let leaving = try session.statement("UPDATE record SET unexplained = 2 WHERE hash = ?")
            for batch in Set(records.map(\.batch)).sorted() { try leaving.run(batch) }
        }
    }

    /// Makes a record the one of its name where it is the newest.
    private static func publish(
        _ record: FileRecord, number: Int64, _ session: Session
    ) throws {
        if let newest = try RecordTable(session).newest(of: record.name),
            newest.sequence >= record.sequence
        {
            return
        }
        try session.statement(
            "UPDATE cluster SET counter = max(counter, ?) WHERE epoch = ?"
        ).run(record.sequence.counter, record.sequence.epoch)
        let publication = Publication(session)
        switch record.content {
        case .deleted(let level):
            try publication.bury(record, level: level, number: number)
        case .file(_, let manifest, _, _):
            guard let restored = try Self.number(of: manifest, session) else {
                throw DepotError(
                    .manifestInvalid, "the manifest \(manifest.id) was not restored",
                    object: record.name.text)
            }
            try publication.put(record, manifest: restored, number: number)
        }
    }

    private static func number(of manifest: ManifestReference, _ session: Session) throws -> Int64?
    {
        if manifest == .empty { return ManifestTable.empty }
        guard let chunk = manifest.chunk else {
            return try ManifestTable(session).complete(manifest.id)?.number
        }
        let known = try ChunkTable(session).use(chunk)
        guard let known, known.length == chunk.length else { return nil }
        return ManifestTable.number(ofInline: known.number)
    }

    public func finishRebuild(missing: Set<ReplicaID>) async throws(DepotError) {
        try await queue.change { session in
            try session.statement("UPDATE cluster SET rebuilding = 0").run()
            try session.statement(
                "UPDATE record SET unexplained = (unexplained = 2) WHERE unexplained <> 0"
            ).run()
            for replica in missing.sorted() {
                try session.statement(
                    "INSERT INTO awaited (replica) VALUES (?) ON CONFLICT DO NOTHING"
                ).run(replica)
            }
        }
    }
}
