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

    public func restore(_ records: [RestoredRecord]) async throws(DepotError) {
        try await queue.change { session in
            try Self.requirePartial(session)
            let holding = try session.statement(
                "INSERT INTO record_holding (record, replica) VALUES (?, ?) ON CONFLICT DO NOTHING")
            let publication = Publication(session)
            let epoch = try ClusterTable(session).row().identity.epoch
            for restored in records {
                // What is committed from now on must be newer than everything that was.
                guard restored.record.sequence.epoch <= epoch else {
                    throw DepotError(
                        .conflict,
                        "this record is of epoch \(restored.record.sequence.epoch), the catalog of "
                            + "epoch \(epoch); rebuild it again, with a higher one",
                        object: restored.record.name.text)
                }
                let number = try publication.insert(
                    restored.record.encoded(), of: restored.record.name, isPending: false)
                for replica in restored.holders {
                    try holding.run(number, session.members().number(of: replica))
                }
                try Self.publish(restored.record, number: number, session)
            }
        }
    }

    /// Makes a record the one of its name where it is the newest.
    private static func publish(
        _ record: FileRecord, number: Int64, _ session: Session
    ) throws {
        if let newest = try RecordTable(session).newest(of: record.name),
            newest >= record.sequence
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
            for replica in missing.sorted() {
                try session.statement(
                    "INSERT INTO awaited (replica) VALUES (?) ON CONFLICT DO NOTHING"
                ).run(replica)
            }
        }
    }
}
