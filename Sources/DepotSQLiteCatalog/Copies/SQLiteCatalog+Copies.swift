import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    public func copies(of chunks: [ChunkID]) async throws(DepotError) -> [ChunkCopies?] {
        try await known(chunks) { try CopyTable($0).copies(of:_:) }
    }

    public func statuses(of chunks: [ChunkID]) async throws(DepotError) -> [ChunkStatus?] {
        try await known(chunks) { try StatusTable($0).status(of:_:) }
    }

    /// What a table says of each chunk that is known.
    private func known<Value: Sendable>(
        _ chunks: [ChunkID],
        saying: @escaping @Sendable (Session) throws -> (ChunkID, ChunkTable.Known) throws -> Value
    ) async throws(DepotError) -> [Value?] {
        try await queue.view { session in
            let table = try ChunkTable(session)
            let say = try saying(session)
            return try chunks.map { id in
                try table.find(id).map { try say(id, $0) }
            }
        }
    }
}
