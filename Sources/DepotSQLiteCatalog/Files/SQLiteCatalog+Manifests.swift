import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    public func staged(among manifests: [ChunkID]) async throws(DepotError) -> Set<ChunkID> {
        try await queue.view { session in
            let table = try ManifestTable(session)
            return try Set(manifests.filter { try table.complete($0) != nil })
        }
    }

    public func chunks(
        of manifest: ManifestReference, after cursor: ChunkID?, limit: Int,
        assuming: LevelAssumption?
    ) async throws(DepotError) -> [ChunkStatus] {
        try Self.checkPage(limit)
        if manifest == .empty { return [] }
        return try await queue.view { session in
            let table = try ChunkTable(session)
            let statuses = try StatusTable(session, assuming: assuming)
            if let chunk = manifest.chunk {
                guard let known = try table.find(chunk.id) else {
                    throw DepotError(
                        .notFound, "the file's only chunk is not known", object: chunk.id.hex)
                }
                guard try known.number > table.position(of: cursor) else { return [] }
                return [try statuses.status(of: chunk.id, known)]
            }
            guard let known = try ManifestTable(session).complete(manifest.id) else {
                throw DepotError(
                    .notFound, "no such manifest, or it was not staged to its end",
                    object: manifest.id.hex)
            }
            return try session.statement(
                """
                SELECT c.hash, \(ChunkTable.Known.columns)
                FROM reference r CROSS JOIN chunk c ON c.id = r.chunk
                WHERE r.manifest = ? AND r.chunk > ? ORDER BY r.chunk LIMIT ?
                """
            ).all(known.number, try table.position(of: cursor), limit) { row in
                try statuses.status(of: row.get(0), ChunkTable.Known(row, at: 1))
            }
        }
    }
}
