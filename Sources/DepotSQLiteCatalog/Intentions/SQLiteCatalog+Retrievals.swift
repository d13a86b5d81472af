import DepotCore

// A retrieval is over when its FileServer is, so its lease need not outlive a power cut, and is not synced.

extension SQLiteCatalog {
    public func openRetrieval(
        _ retrieval: RetrievalID, of name: FileName, lease: Duration
    ) async throws(DepotError) -> FileEntry {
        try await queue.change(isDurable: false) { session in
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
        let found = try await queue.view { try Self.lease(of: retrieval, $0) }
        // Renewed when half of it is over: most reads change nothing.
        if found.left > lease.milliseconds / 2 { return found.manifest }
        return try await queue.change(isDurable: false) { session in
            let manifest = try Self.lease(of: retrieval, session).manifest
            try session.statement("UPDATE retrieval SET deadline = ? WHERE uuid = ?")
                .run(session.now + lease.milliseconds, retrieval)
            return manifest
        }
    }

    private static func lease(
        of retrieval: RetrievalID, _ session: Session
    ) throws -> (manifest: ChunkReference, left: Int64) {
        let found = try session.statement(
            """
            SELECT c.hash, c.length, v.deadline
            FROM retrieval v CROSS JOIN chunk c ON c.id = v.manifest WHERE v.uuid = ?
            """
        ).first(retrieval) { row in
            try (
                manifest: ChunkReference(id: row.get(0), length: row.get(1)),
                left: row.get(2, as: Int64.self) - session.now
            )
        }
        guard let found, found.left > 0 else {
            throw DepotError(
                .leaseEnded, "the retrieval has no lease, or it is over; open it again",
                object: retrieval.description)
        }
        return found
    }

    public func closeRetrieval(_ retrieval: RetrievalID) async throws(DepotError) {
        try await queue.change(isDurable: false) { session in
            try session.statement("DELETE FROM retrieval WHERE uuid = ?").run(retrieval)
        }
    }
}
