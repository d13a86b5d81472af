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

    public func enter(
        _ batches: [RecordBatch], on replica: ReplicaID
    ) async throws(DepotError) {
        try await queue.change { session in
            try Self.requirePartial(session)
            // A rebuild says itself what it cannot explain.
            let isExplained = try ClusterTable(session).isRebuilding()
            let table = RecordTable(session)
            let member = try session.members().number(of: replica)
            for batch in batches {
                let entered = try table.insert(
                    batch, isPending: false, isExplained: isExplained)
                try table.noteHolding(of: entered.object, on: member)
            }
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
            var (restorable, records): ([RestorableName], Int) = ([], 0)
            for name in names where records < limit {
                let versions = try Self.versions(of: name, session)
                records += versions.count
                restorable.append(RestorableName(name, versions))
            }
            return restorable
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

    @discardableResult
    public func restore(_ records: [RecordAddress]) async throws(DepotError) -> Int {
        try await queue.change { session in
            try Self.requirePartial(session)
            let table = RecordTable(session)
            let epoch = try ClusterTable(session).row().identity.epoch
            var restored = 0
            for address in records {
                let number = try Self.number(at: address, table)
                let record = try table.record(number)
                // What is committed from now on must be newer than everything that was.
                guard record.sequence.epoch <= epoch else {
                    throw DepotError(
                        .conflict,
                        "this record is of epoch \(record.sequence.epoch), the catalog of epoch "
                            + "\(epoch); rebuild it again, with a higher one",
                        object: record.name.text)
                }
                if try Self.publish(record, number: number, session) { restored += 1 }
            }
            return restored
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

    @discardableResult
    public func restoreVersions(_ records: [RecordAddress]) async throws(DepotError) -> Int {
        try await queue.change { session in
            try Self.requirePartial(session)
            let (records, versions) = (records, VersionTable(session))
            let table = RecordTable(session)
            return try records.count { address in
                let number = try Self.number(at: address, table)
                let record = try table.record(number)
                guard let newest = try table.newest(of: record.name),
                    newest.sequence > record.sequence
                else { return false }
                var manifest = ManifestTable.empty
                if case .file(_, let reference, _, _) = record.content {
                    guard let known = try Self.number(of: reference, session) else { return false }
                    manifest = known
                }
                return try versions.restore(record, manifest: manifest, number: number)
            }
        }
    }

    public func leaveUnexplained(_ records: [RecordAddress]) async throws(DepotError) {
        try await queue.change { session in
            let leaving = try session.statement("UPDATE record SET unexplained = 1 WHERE hash = ?")
            // As an inventory does that shows them.
            let telling = try session.statement(
                """
                UPDATE member SET unexplained = ? WHERE id IN (
                    SELECT h.replica FROM record o
                    CROSS JOIN record_holding h ON h.record = o.id WHERE o.hash = ?)
                """)
            let table = RecordTable(session)
            for address in records {
                try leaving.run(address.batch)
                try telling.run(
                    table.record(Self.number(at: address, table)).name, address.batch)
            }
        }
    }

    /// Makes a record the one of its name where it is the newest.
    ///
    /// - Returns: whether it is.
    private static func publish(
        _ record: FileRecord, number: Int64, _ session: Session
    ) throws -> Bool {
        if let newest = try RecordTable(session).newest(of: record.name),
            newest.sequence >= record.sequence
        {
            return false
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
        // What a record that came before it has brought back.
        _ = try VersionTable(session).forgetPurged(of: record.name)
        return true
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

    public func noteReturn(of replica: ReplicaID) async throws(DepotError) {
        try await queue.change { session in
            try session.statement("DELETE FROM awaited WHERE replica = ?").run(replica)
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
