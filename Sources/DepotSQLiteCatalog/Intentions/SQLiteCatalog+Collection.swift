import DepotCore
import DepotSQLite

// Whether a chunk is used is looked up whenever it matters, and never stored. What is stored is since when nobody was
// found to use it, which only ever delays a deletion: entering a chunk, as a deposit does before it relies on it, takes
// the note away.

extension SQLiteCatalog {
    /// Chunks of one transaction: so long others wait.
    private static let markedAtOnce: Int64 = 20_000
    /// Pages of one manifest come faster than this one after the other, even where the lease ended between them and was
    /// opened again: the ones that came before must then be there still.
    private static let stagingMax = Duration.seconds(3_600)

    /// Whether a file, a lease or a retrieval uses the chunk `c`. Leases that are over were ended before.
    private static let isUsed = """
        (EXISTS (SELECT 1 FROM pin p WHERE p.chunk = c.id)
            OR EXISTS (
                SELECT 1 FROM reference r WHERE r.chunk = c.id AND (
                    EXISTS (SELECT 1 FROM file f WHERE f.manifest = r.manifest)
                    OR EXISTS (SELECT 1 FROM retrieval v WHERE v.manifest = r.manifest)))
            OR EXISTS (SELECT 1 FROM retrieval v WHERE v.manifest = c.id)
            OR EXISTS (SELECT 1 FROM file f WHERE f.manifest = c.id))
        """

    public func collectionPlan(
        grace: Duration
    ) async throws(DepotError) -> CollectionPlan {
        try await queue.view { session in
            try Self.requireKnowledge(session)
            var plan = CollectionPlan()
            let found = try session.statement(
                """
                WITH copies AS (
                    SELECT c.id AS chunk, c.length AS length,
                        coalesce(c.unused, ?) <= ? AS ready, (
                        SELECT count(*) FROM holding h WHERE h.chunk = c.id) AS count
                    FROM chunk c WHERE NOT \(Self.isUsed))
                SELECT count(*), coalesce(sum(length * count), 0), coalesce(sum(ready), 0),
                    coalesce(sum(ready * length * count), 0), coalesce(sum(ready * count), 0)
                FROM copies WHERE count > 0
                """
            ).first(session.now, session.now - grace.milliseconds) { row in
                try (
                    row.get(0, as: Int.self), row.get(1, as: UInt64.self), row.get(2, as: Int.self),
                    row.get(3, as: UInt64.self), row.get(4, as: Int.self)
                )
            }
            if let found {
                (plan.unusedChunks, plan.unusedBytes) = (found.0, found.1)
                (plan.readyChunks, plan.readyBytes, plan.readyCopies) = (found.2, found.3, found.4)
            }
            plan.manifests =
                try session.statement(
                    "SELECT count(*) FROM manifest m CROSS JOIN chunk c ON c.id = m.chunk "
                        + "WHERE \(Self.isAbandoned)"
                ).first(session.now - Self.stagingMax.milliseconds) { try $0.get(0) } ?? 0
            return plan
        }
    }

    /// A manifest `m` that no file and no retrieval uses, and that no deposit is about to commit.
    /// One of which pages are missing still stays for the grace time of a staging, which is the first value.
    private static let isAbandoned = """
        (m.complete = 1 OR c.unused <= ?1)
        AND NOT EXISTS (SELECT 1 FROM file f WHERE f.manifest = m.chunk)
        AND NOT EXISTS (SELECT 1 FROM retrieval v WHERE v.manifest = m.chunk)
        AND NOT EXISTS (SELECT 1 FROM pin p WHERE p.chunk = m.chunk)
        """

    /// - Throws: `conflict`, `manifestInvalid` where nobody can say what is in use.
    private static func requireKnowledge(_ session: Session) throws {
        guard try !isPartial(session) else {
            throw DepotError(
                .conflict,
                "the catalog was rebuilt without some replicas; nothing is collected before they are back "
                    + "or forgotten")
        }
        let unknown = try session.statement(
            """
            SELECT f.name FROM file f LEFT JOIN manifest m ON m.chunk = f.manifest
            WHERE coalesce(m.complete, 0) = 0 LIMIT 1
            """
        ).first { try $0.get(0, as: FileName.self) }
        guard let unknown else { return }
        throw DepotError(
            .manifestInvalid,
            "the catalog does not know all chunks of this file, so nothing is collected; run "
                + "'depot rebuild-catalog'", object: unknown.text)
    }

    public func markUnused() async throws(DepotError) {
        try await forgetManifests()
        try await inBatches { try Self.mark(from: $0, $1) }
        try await inBatches { _, session in try Receipts.forgetOld(session) ? 0 : nil }
        try await inBatches { try RecordTable.forgetUnneeded(from: $0, $1) }
    }

    /// Each batch is a transaction, and says where the next one begins.
    private func inBatches(
        _ batch: @escaping @Sendable (_ start: Int64, Session) throws -> Int64?
    ) async throws(DepotError) {
        var start: Int64? = 0
        while let from = start {
            start = try await queue.change { session in
                try Self.requireKnowledge(session)
                return try batch(from, session)
            }
        }
    }

    private func forgetManifests() async throws(DepotError) {
        var isOver = false
        while !isOver {
            isOver = try await queue.change { session in
                try Self.requireKnowledge(session)
                let abandoned = try session.statement(
                    "SELECT m.chunk FROM manifest m CROSS JOIN chunk c ON c.id = m.chunk "
                        + "WHERE \(Self.isAbandoned) LIMIT 100"
                ).all(session.now - Self.stagingMax.milliseconds) { try $0.get(0, as: Int64.self) }
                for manifest in abandoned {
                    try session.statement("DELETE FROM reference WHERE manifest = ?").run(manifest)
                    try session.statement("DELETE FROM manifest WHERE chunk = ?").run(manifest)
                }
                return abandoned.count < 100
            }
        }
    }

    /// - Returns: where to go on; `nil` behind the last chunk.
    private static func mark(from start: Int64, _ session: Session) throws -> Int64? {
        let last = try session.statement("SELECT max(id) FROM chunk").first {
            try $0.get(0, as: Int64?.self)
        }
        guard let last, let last, start <= last else { return nil }
        let end = start + markedAtOnce
        try session.statement(
            """
            UPDATE chunk AS c SET unused = NULL
            WHERE id >= ? AND id < ? AND unused IS NOT NULL AND \(isUsed)
            """
        ).run(start, end)
        try session.statement(
            """
            UPDATE chunk AS c SET unused = ?
            WHERE id >= ? AND id < ? AND unused IS NULL AND NOT \(isUsed)
            """
        ).run(session.now, start, end)
        // A late word for a copy that was deleted is told from a new one by its setback; so the chunk stays while there
        // is one.
        try session.statement(
            """
            DELETE FROM chunk AS c WHERE id >= ? AND id < ? AND unused IS NOT NULL
                AND NOT EXISTS (SELECT 1 FROM holding h WHERE h.chunk = c.id)
                AND NOT EXISTS (SELECT 1 FROM reference r WHERE r.chunk = c.id)
                AND NOT EXISTS (SELECT 1 FROM manifest m WHERE m.chunk = c.id)
                AND NOT EXISTS (SELECT 1 FROM pin p WHERE p.chunk = c.id)
                AND NOT EXISTS (SELECT 1 FROM setback s WHERE s.chunk = c.id)
            """
        ).run(start, end)
        return end
    }

    public func unused(
        for grace: Duration, on replica: ReplicaID, after cursor: ChunkID?, limit: Int
    ) async throws(DepotError) -> [ChunkReference] {
        try Self.checkPage(limit)
        return try await queue.view { session in
            let member = try session.members().number(of: replica)
            let start = try ChunkTable(session).position(of: cursor)
            return try session.statement(
                """
                SELECT c.hash, c.length FROM chunk c
                CROSS JOIN holding h ON h.chunk = c.id AND h.replica = ?
                WHERE c.unused <= ? AND c.id > ? AND NOT \(Self.isUsed) ORDER BY c.id LIMIT ?
                """
            ).all(member, session.now - grace.milliseconds, start, limit) {
                try ChunkReference(id: $0.get(0), length: $0.get(1))
            }
        }
    }

    public func releaseUnused(
        _ chunks: [ChunkID], for grace: Duration, on replica: ReplicaID
    ) async throws(DepotError) -> [ChunkID] {
        try await queue.change { session in
            try Self.requireKnowledge(session)
            let member = try session.members().number(of: replica)
            let holdings = try HoldingTable(session)
            let setbacks = try Setbacks(session)
            let finding = try session.statement(
                "SELECT c.id FROM chunk c WHERE c.hash = ? AND c.unused <= ? AND NOT \(Self.isUsed)"
            )
            return try Set(chunks).sorted().filter { id in
                let chunk = try finding.first(id, session.now - grace.milliseconds) {
                    try $0.get(0, as: Int64.self)
                }
                guard let chunk, try holdings.states(chunk: chunk)[member] != nil else {
                    return false
                }
                try holdings.set(.released, chunk: chunk, member: member)
                try setbacks.note(chunk: chunk, member: member)
                return true
            }
        }
    }

    // MARK: Records

    /// Whether the record `n` went out and a majority of its copies is there still: members that had it may have been
    /// forgotten since.
    private static func isInPlace(_ level: String) -> String {
        """
        n.pending = 0 AND 2 * (SELECT count(*) FROM record_holding b WHERE b.record = n.id) > min(
            max(3, \(level)), (SELECT count(*) FROM member WHERE draining = 0))
        """
    }

    public func obsoleteRecords(
        on replica: ReplicaID, limit: Int
    ) async throws(DepotError) -> [ChunkID] {
        try Self.checkPage(limit)
        return try await queue.view { session in
            guard try !Self.isPartial(session) else { return [] }
            let member = try session.members().number(of: replica)
            return try session.statement(
                """
                SELECT o.hash FROM record_holding h CROSS JOIN record o ON o.id = h.record
                WHERE h.replica = ?1 AND (
                    EXISTS (
                        SELECT 1 FROM file f CROSS JOIN record n ON n.id = f.record
                        WHERE f.name = o.name AND n.id <> o.id AND \(Self.isInPlace("f.level")))
                    OR EXISTS (
                        SELECT 1 FROM tombstone t CROSS JOIN record n ON n.id = t.record
                        WHERE t.name = o.name AND n.id <> o.id AND \(Self.isInPlace("t.level")))
                    OR EXISTS (
                        SELECT 1 FROM tombstone t
                        WHERE t.record = o.id AND \(RecordTable.isExpired)))
                LIMIT ?2
                """
            ).all(member, limit) { try $0.get(0) }
        }
    }

    public func removeRecords(
        _ records: [ChunkID], on replica: ReplicaID
    ) async throws(DepotError) {
        try await queue.change { session in
            let member = try session.members().number(of: replica)
            let removing = try session.statement(
                "DELETE FROM record_holding WHERE record = ? AND replica = ?")
            let burying = try session.statement(
                """
                DELETE FROM tombstone WHERE record IN (
                    SELECT o.id FROM record o WHERE o.id = ? AND \(RecordTable.isExpired)
                        AND NOT EXISTS (SELECT 1 FROM record_holding h WHERE h.record = o.id))
                """)
            let forgetting = try session.statement(
                """
                DELETE FROM record AS o WHERE id = ? AND \(RecordTable.isUnneeded)
                """)
            for hash in records.sorted() {
                guard let record = try RecordTable.find(hash, session) else { continue }
                try removing.run(record, member)
                try burying.run(record)
                try forgetting.run(record)
            }
        }
    }

    public func enterOld(
        _ record: FileRecord, on replica: ReplicaID
    ) async throws(DepotError) -> Bool {
        try await queue.change { session in
            let member = try session.members().number(of: replica)
            guard let newest = try RecordTable.newest(of: record.name, session),
                newest > record.sequence
            else { return false }
            let number = try Publication.insert(
                record.encoded(), of: record.name, isPending: false, session)
            try session.statement(
                "INSERT INTO record_holding (record, replica) VALUES (?, ?) ON CONFLICT DO NOTHING"
            ).run(number, member)
            return true
        }
    }
}
