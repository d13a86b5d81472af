import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    public func isPartial() async throws(DepotError) -> Bool {
        try await queue.view { try Self.isPartial($0) }
    }

    static func isPartial(_ session: Session) throws -> Bool {
        try session.statement(
            "SELECT rebuilding OR EXISTS (SELECT 1 FROM awaited) FROM cluster"
        ).first { try $0.get(0, as: Bool.self) } ?? true
    }

    static func isRebuilding(_ session: Session) throws -> Bool {
        try session.statement("SELECT rebuilding FROM cluster").first {
            try $0.get(0, as: Bool.self)
        } ?? false
    }

    private static func requirePartial(_ session: Session) throws {
        guard try isPartial(session) else {
            throw DepotError(
                .conflict, "the catalog is not being rebuilt, and takes nothing from replicas")
        }
    }

    public func restore(
        manifest: ChunkReference, chunks: [ChunkReference], pieces: [ChunkReference]
    ) async throws(DepotError) {
        try await queue.change { session in
            try Self.requirePartial(session)
            _ = try ManifestTable(session).enter(
                ManifestPage(of: manifest, chunks: chunks, pieces: pieces, isLast: true))
        }
    }

    public func restore(_ records: [RestoredRecord]) async throws(DepotError) {
        try await queue.change { session in
            try Self.requirePartial(session)
            let holding = try session.statement(
                "INSERT INTO record_holding (record, replica) VALUES (?, ?) ON CONFLICT DO NOTHING")
            let epoch = try Self.clusterRow(session).identity.epoch
            for restored in records {
                // What is committed from now on must be newer than everything that was.
                guard restored.record.sequence.epoch <= epoch else {
                    throw DepotError(
                        .conflict,
                        "this record is of epoch \(restored.record.sequence.epoch), the catalog of "
                            + "epoch \(epoch); rebuild it again, with a higher one",
                        object: restored.record.name.text)
                }
                let number = try Publication.insert(
                    restored.record.encoded(), of: restored.record.name, isPending: false, session)
                for replica in restored.holders {
                    try holding.run(number, session.members().number(of: replica))
                }
                try Self.publish(restored.record, number, session)
            }
        }
    }

    /// Makes a record the one of its name where it is the newest.
    private static func publish(
        _ record: FileRecord, _ number: Int64, _ session: Session
    ) throws {
        if let newest = try RecordTable.newest(of: record.name, session),
            newest >= record.sequence
        {
            return
        }
        try session.statement(
            "UPDATE cluster SET counter = max(counter, ?) WHERE epoch = ?"
        ).run(record.sequence.counter, record.sequence.epoch)
        switch record.content {
        case .deleted(let level):
            try Publication.bury(record, level: level, number: number, session)
        case .file(_, let manifest, _, _):
            guard let known = try ManifestTable(session).complete(manifest.id) else {
                throw DepotError(
                    .manifestInvalid, "the manifest \(manifest.id) was not restored",
                    object: record.name.text)
            }
            try Publication.put(record, manifest: known.number, number: number, session)
        }
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
