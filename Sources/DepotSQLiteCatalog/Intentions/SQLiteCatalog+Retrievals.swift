import DepotCore

extension SQLiteCatalog {
    public func openRetrieval(
        _ retrieval: RetrievalID, of name: FileName, lease: Duration
    ) async throws(DepotError) -> FileEntry {
        try await queue.change { session in
            let found = try FileTable.find(name, session)
            try session.statement(
                """
                INSERT INTO retrieval (uuid, manifest, deadline) VALUES (?, ?, ?)
                ON CONFLICT (uuid) DO UPDATE SET
                    manifest = excluded.manifest, deadline = excluded.deadline
                """
            ).run(retrieval, found.manifest, session.now + lease.milliseconds)
            return found.entry
        }
    }

    public func retrievalManifest(
        _ retrieval: RetrievalID, lease: Duration
    ) async throws(DepotError) -> ChunkReference {
        try await queue.change { session in
            let manifest = try session.statement(
                """
                SELECT c.hash, c.length FROM retrieval v CROSS JOIN chunk c ON c.id = v.manifest
                WHERE v.uuid = ?
                """
            ).first(retrieval) { try ChunkReference(id: $0.get(0), length: $0.get(1)) }
            guard let manifest else {
                throw DepotError(
                    .leaseEnded, "the retrieval has no lease, or it is over; open it again",
                    object: retrieval.description)
            }
            try session.statement("UPDATE retrieval SET deadline = ? WHERE uuid = ?")
                .run(session.now + lease.milliseconds, retrieval)
            return manifest
        }
    }

    public func closeRetrieval(_ retrieval: RetrievalID) async throws(DepotError) {
        try await queue.change { session in
            try session.statement("DELETE FROM retrieval WHERE uuid = ?").run(retrieval)
        }
    }
}
