import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    /// Chunks of one transaction: so long others wait.
    private static let markedAtOnce: Int64 = 20_000
    /// Manifests of one transaction, each with all that it names.
    private static let manifestsAtOnce = 100

    public func markUnused() async throws(DepotError) {
        // Of a damaged catalog, the damage is told, not its consequences.
        if let found = queue.damage.found { throw found }
        try await queue.view { session in
            // First: an index that is wrong would make a file's chunks look unknown.
            try IndexWitness.require(session)
            try ChunkUse.requireAllKnown(session)
        }
        try await forgetVersions(keptFor: nil)
        // Records that are kept together have numbers below 0.
        try await inBatches(from: .min) { try ReplacedFiles($1).forgetSettled(from: $0) }
        try await inBatches { _, session in try Self.forgetManifests(session) ? 0 : nil }
        try await inBatches { try Self.mark(from: $0, $1) }
        try await inBatches { _, session in try ReceiptTable(session).forgetOld() ? 0 : nil }
        try await inBatches { try RecordTable($1).forgetUnneeded(from: $0) }
    }

    public func forgetVersions(keptFor duration: Duration) async throws(DepotError) {
        try await forgetVersions(keptFor: .some(duration))
    }

    /// - Parameter duration: `nil`: as policies say.
    private func forgetVersions(keptFor duration: Duration?) async throws(DepotError) {
        let policy = duration.map { VersionPolicy(keepingFor: $0) }
        let isAny = try await queue.view { session in
            try VersionTable(session).mayForget(anyBy: policy)
        }
        guard isAny else { return }
        var step: (last: FileName?, hasMore: Bool) = (nil, true)
        while step.hasMore {
            step = try await queue.change { [last = step.last] session in
                try ChunkUse.requireKnown(session)
                return try VersionTable(session).forget(after: last, by: policy)
            }
        }
    }

    /// Each batch is a transaction, and says where the next one begins.
    private func inBatches(
        from first: Int64 = 0,
        _ batch: @escaping @Sendable (_ start: Int64, Session) throws -> Int64?
    ) async throws(DepotError) {
        var start: Int64? = first
        while let from = start {
            start = try await queue.change { session in
                try ChunkUse.requireKnown(session)
                return try batch(from, session)
            }
        }
    }

    /// - Returns: whether there may be more.
    private static func forgetManifests(_ session: Session) throws -> Bool {
        let abandoned = try session.statement(
            "SELECT m.chunk FROM manifest m CROSS JOIN chunk c ON c.id = m.chunk "
                + "WHERE \(ChunkUse.isAbandonedManifest) LIMIT \(manifestsAtOnce)"
        ).all(session.now - ChunkUse.stagingMax.milliseconds) { try $0.get(0, as: Int64.self) }
        for manifest in abandoned {
            try session.statement("DELETE FROM reference WHERE manifest = ?").run(manifest)
            try session.statement("DELETE FROM manifest WHERE chunk = ?").run(manifest)
        }
        return abandoned.count == manifestsAtOnce
    }

    /// - Returns: where to go on; `nil` behind the last chunk.
    private static func mark(from start: Int64, _ session: Session) throws -> Int64? {
        let last = try session.statement("SELECT max(id) FROM chunk").first {
            try $0.get(0, as: Int64?.self)
        }
        guard let last, let last, start <= last else { return nil }
        let end = min(start + markedAtOnce, try PinSQL.reach(from: start, session))
        try session.statement(
            """
            UPDATE chunk AS c SET unused = NULL, abandoned = 0
            WHERE id >= ? AND id < ? AND unused IS NOT NULL AND \(ChunkUse.isUsed)
            """
        ).run(start, end)
        try session.statement(
            """
            UPDATE chunk AS c SET unused = ?
            WHERE id >= ? AND id < ? AND unused IS NULL AND NOT \(ChunkUse.isUsed)
            """
        ).run(session.now, start, end)
        try session.statement(
            """
            DELETE FROM chunk AS c WHERE id >= ? AND id < ? AND unused IS NOT NULL
                AND \(ChunkUse.isNameOnly(session))
            """
        ).run(start, end)
        return end
    }
}
