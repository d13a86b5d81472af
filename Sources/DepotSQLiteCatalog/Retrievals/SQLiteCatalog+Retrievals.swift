import DepotCore
import DepotSQLite

// A retrieval is over when its FileServer is, so its lease need not outlive a power cut, and is not
// synced. Where it cannot be written at all, memory keeps it: see UnwrittenRetrievals.

extension SQLiteCatalog {
    public func openRetrieval(
        _ retrieval: RetrievalID, of names: [VersionName], lease: Duration
    ) async throws(DepotError) -> [Result<FileEntry, DepotError>] {
        do throws(DepotError) {
            return try await queue.change(isDurable: false, isHarmless: true) { session in
                let holding = try session.statement(
                    """
                    INSERT INTO retrieval (uuid, manifest, deadline) VALUES (?, ?, ?)
                    ON CONFLICT DO UPDATE SET deadline = excluded.deadline
                    """)
                let files = try Self.find(names, session)
                for case .success(let found) in files {
                    try holding.run(retrieval, found.manifest, session.now + lease.milliseconds)
                }
                return files.map { $0.map(\.entry) }
            }
        } catch  where error.isCatalogUnwritable {
            return try await hold(names, by: retrieval, for: lease)
        }
    }

    private static func find(
        _ names: [VersionName], _ session: Session
    ) throws -> [Result<FileTable.Found, DepotError>] {
        let table = FileTable(session)
        return try names.map { name in
            do {
                return .success(try table.find(name))
            } catch let error as DepotError where error.code == .notFound {
                return .failure(error)
            }
        }
    }

    /// How often the files are looked up again where they change meanwhile. Each change of a file
    /// needs a disk that takes writes, and then the lease can be written, too.
    private static let looksMax = 4

    /// Holds in memory, and looks the files up once more: a manifest that went between the first
    /// look and the holding was not held.
    private func hold(
        _ names: [VersionName], by retrieval: RetrievalID, for lease: Duration
    ) async throws(DepotError) -> [Result<FileEntry, DepotError>] {
        var held: Set<Int64> = []
        for _ in 1...Self.looksMax {
            let (files, now) = try await queue.view { (try Self.find(names, $0), $0.now) }
            let manifests = Set(files.compactMap { try? $0.get().manifest })
            if manifests.isSubset(of: held) { return files.map { $0.map(\.entry) } }
            held.formUnion(manifests)
            try queue.unwritten.hold(
                Array(held), of: retrieval, until: now + lease.milliseconds, now: now)
        }
        throw DepotError(
            .busy, "the files change while they are looked up; try again",
            object: retrieval.description)
    }

    public func renewRetrieval(
        _ retrieval: RetrievalID, lease: Duration
    ) async throws(DepotError) {
        let unwritten = queue.unwritten.held(by: retrieval)
        let (held, now) = try await queue.view { session in
            try (Self.held(by: retrieval, unwritten, session), session.now)
        }
        // Renewed when half of it is over: most reads change nothing.
        if (held.values.min() ?? now) - now > lease.milliseconds / 2 { return }
        do throws(DepotError) {
            try await queue.change(isDurable: false, isHarmless: true) { session in
                _ = try Self.held(by: retrieval, [:], session)
                try session.statement("UPDATE retrieval SET deadline = ? WHERE uuid = ?")
                    .run(session.now + lease.milliseconds, retrieval)
            }
        } catch  where error.isCatalogUnwritable {
            try queue.unwritten.hold(
                Array(held.keys), of: retrieval, until: now + lease.milliseconds, now: now)
        }
    }

    /// The manifests that a retrieval holds, with the end of each.
    ///
    /// - Parameter unwritten: the leases of it in memory, which may be newer than the rows.
    static func held(
        by retrieval: RetrievalID, _ unwritten: [Int64: Int64], _ session: Session
    ) throws -> [Int64: Int64] {
        var held = unwritten
        try session.statement("SELECT manifest, deadline FROM retrieval WHERE uuid = ?")
            .visit(retrieval) { row in
                let deadline = try row.get(1, as: Int64.self)
                held[try row.get(0), default: deadline] = max(
                    deadline, held[try row.get(0)] ?? deadline)
                return true
            }
        guard let first = held.values.min(), first > session.now else {
            throw DepotError(
                .leaseEnded, "the retrieval has no lease, or it is over; open it again",
                object: retrieval.description)
        }
        return held
    }

    public func closeRetrieval(_ retrieval: RetrievalID) async throws(DepotError) {
        queue.unwritten.letGo(retrieval)
        do throws(DepotError) {
            try await queue.change(isDurable: false, isHarmless: true) { session in
                try session.statement("DELETE FROM retrieval WHERE uuid = ?").run(retrieval)
            }
        } catch  where error.isCatalogUnwritable {
            // It ends by itself.
        }
    }
}
