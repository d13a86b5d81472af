import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    /// Reads every reference and every chunk: in proportion to the depot, beside all else.
    public func totals(
        counting: Set<ReplicaID>
    ) async throws(DepotError) -> CatalogTotals {
        try await queue.view { session in try Self.totals(counting: counting, session) }
    }

    static func totals(
        counting: Set<ReplicaID>, _ session: Session
    ) throws -> CatalogTotals {
        let files = try Self.files(session)
        let used = try Self.used(counting: session.members().mask(of: counting), session)
        let stored = try Self.stored(session)
        let versions = try Self.versions(session)
        return CatalogTotals(
            files: files.count, logicalBytes: files.bytes, uniqueBytes: used.bytes,
            versions: versions.count, versionBytes: versions.bytes,
            versionsLeft: try VersionTable(session).timeLeft(),
            storedBytes: stored.bytes, underReplicated: used.scarce, chunks: stored.copies)
    }

    private static func files(_ session: Session) throws -> (count: Int, bytes: UInt64) {
        let all = try session.statement("SELECT count(*), coalesce(sum(size), 0) FROM file").first {
            try (count: $0.get(0, as: Int.self), bytes: $0.get(1, as: UInt64.self))
        }
        guard let all else { return (0, 0) }
        return try (all.count - PolicyTable(session).count(), all.bytes)
    }

    private static func versions(_ session: Session) throws -> (count: Int, bytes: UInt64) {
        let count = try session.statement("SELECT count(*) FROM version WHERE deleted = 0").first {
            try $0.get(0, as: Int.self)
        }
        let bytes = try session.statement(
            """
            WITH old AS (
                SELECT DISTINCT coalesce(r.chunk, -w.manifest) AS chunk
                FROM (SELECT DISTINCT manifest FROM version) w
                LEFT JOIN reference r ON r.manifest = w.manifest)
            SELECT coalesce(sum(c.length), 0) FROM old o CROSS JOIN chunk c ON c.id = o.chunk
            WHERE NOT \(ChunkUse.isInCurrentFile("c.id"))
            """
        ).first { try $0.get(0, as: UInt64.self) }
        return (count ?? 0, bytes ?? 0)
    }

    private static func used(
        counting: CopyMask, _ session: Session
    ) throws -> (bytes: UInt64, scarce: Int) {
        try session.statement(
            Self.usedChunks + """
                SELECT coalesce(sum(c.length), 0),
                    coalesce(sum(u.target > \(CopySQL(session).goodCount(on: counting))), 0)
                FROM used u CROSS JOIN chunk c ON c.id = u.chunk
                """
        ).first { try ($0.get(0), $0.get(1)) } ?? (0, 0)
    }

    private static func stored(
        _ session: Session
    ) throws -> (bytes: UInt64, copies: [ReplicaID: Int]) {
        let members = try session.members()
        // There are few different masks.
        var masks: [CopyMask: (count: Int, bytes: UInt64)] = [:]
        try session.statement("SELECT \(CopySQL(session).good), c.length FROM chunk c").visit {
            row in
            let mask = try row.get(0, as: CopyMask.self) & members.current
            masks[mask, default: (0, 0)].count += 1
            masks[mask, default: (0, 0)].bytes.increase(by: try row.get(1))
            return true
        }
        var bytes: UInt64 = 0
        var copies = Dictionary(uniqueKeysWithValues: members.numbers.keys.map { ($0, 0) })
        for (mask, chunks) in masks {
            for bit in mask.numbers {
                guard let member = try members.owner(ofBit: bit) else { continue }
                copies[try members.replica(member), default: 0] += chunks.count
                bytes.increase(by: chunks.bytes)
            }
        }
        return (bytes, copies)
    }
}
