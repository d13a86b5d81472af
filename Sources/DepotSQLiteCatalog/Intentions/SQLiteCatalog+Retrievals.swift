import DepotCore
import DepotSQLite

// A retrieval is over when its FileServer is, so its lease need not outlive a power cut, and is not synced.

extension SQLiteCatalog {
    public func openRetrieval(
        _ retrieval: RetrievalID, of names: [FileName], lease: Duration
    ) async throws(DepotError) -> [Result<FileEntry, DepotError>] {
        try await queue.change(isDurable: false) { session in
            let holding = try session.statement(
                """
                INSERT INTO retrieval (uuid, manifest, deadline) VALUES (?, ?, ?)
                ON CONFLICT DO UPDATE SET deadline = excluded.deadline
                """)
            return try names.map { name in
                do {
                    let found = try FileTable.find(name, session)
                    try holding.run(retrieval, found.manifest, session.now + lease.milliseconds)
                    return .success(found.entry)
                } catch let error as DepotError where error.code == .notFound {
                    return .failure(error)
                }
            }
        }
    }

    public func renewRetrieval(
        _ retrieval: RetrievalID, lease: Duration
    ) async throws(DepotError) {
        let left = try await queue.view { try Self.timeLeft(of: retrieval, $0) }
        // Renewed when half of it is over: most reads change nothing.
        if left > lease.milliseconds / 2 { return }
        try await queue.change(isDurable: false) { session in
            _ = try Self.timeLeft(of: retrieval, session)
            try session.statement("UPDATE retrieval SET deadline = ? WHERE uuid = ?")
                .run(session.now + lease.milliseconds, retrieval)
        }
    }

    /// In milliseconds.
    private static func timeLeft(of retrieval: RetrievalID, _ session: Session) throws -> Int64 {
        let deadline = try session.statement("SELECT min(deadline) FROM retrieval WHERE uuid = ?")
            .first(retrieval) { try $0.get(0, as: Int64?.self) }
        guard let deadline, let deadline, deadline > session.now else {
            throw DepotError(
                .leaseEnded, "the retrieval has no lease, or it is over; open it again",
                object: retrieval.description)
        }
        return deadline - session.now
    }

    public func closeRetrieval(_ retrieval: RetrievalID) async throws(DepotError) {
        try await queue.change(isDurable: false) { session in
            try session.statement("DELETE FROM retrieval WHERE uuid = ?").run(retrieval)
        }
    }
}
