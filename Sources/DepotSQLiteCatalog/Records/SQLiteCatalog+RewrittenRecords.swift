import DepotCore
import DepotSQLite

// A batch stays as long as one of its records says something. So that many dead records do not stay
// with few that are alive, those few are put into a batch of their own, word for word, and the rows
// of their names name them there. The old batch is then as one whose names have newer records, and a
// row of `moved` has it wait: it goes when the new ones are where they belong. Cut off anywhere,
// replicas have the records in one of the two, or in both.

extension SQLiteCatalog {
    /// Objects that one step goes over, and batches of these that it looks at: so long others wait.
    private static let passedMax: Int64 = 20_000
    private static let lookedAtMax = 200

    public func rewriteRecords(
        after position: OutboxPosition?
    ) async throws(DepotError) -> OutboxPosition? {
        let start = position?.number ?? 0
        let step = try await queue.view { session in
            try Self.sparse(after: start, session)
        }
        guard !step.objects.isEmpty else { return step.end }
        try await queue.change { session in
            guard try !ClusterTable(session).isPartial() else { return }
            for group in try Self.current(in: step.objects, session).values {
                try Self.rewrite(group, session)
            }
        }
        return step.end
    }

    /// Batches of which less than half is current, with as many current records as one batch has
    /// room for.
    ///
    /// - Returns: them, and where to go on; `nil` where there is nothing behind.
    private static func sparse(
        after start: Int64, _ session: Session
    ) throws -> (objects: [Int64], end: OutboxPosition?) {
        guard try !ClusterTable(session).isPartial() else { return ([], nil) }
        let highest = try session.statement("SELECT max(id) FROM record").first {
            try $0.get(0, as: Int64?.self)
        }
        guard let highest, let highest, start < highest else { return ([], nil) }
        let end = start + min(passedMax, highest - start)
        var (seen, last): (Int, Int64) = (0, start)
        var (objects, records): ([Int64], Int) = ([], 0)
        try session.statement(
            """
            SELECT o.id, o.lines, o.pending = 0 AND o.unexplained = 0,
                (SELECT count(*) FROM file f WHERE \(RecordSQL.isKept("f.record")))
                + (SELECT count(*) FROM version w WHERE \(RecordSQL.isKept("w.record")))
                + (SELECT count(*) FROM tombstone t
                    WHERE \(RecordSQL.isKept("t.record")) AND NOT (\(RecordTable.isExpired)))
            FROM record o WHERE o.line IS NOT NULL AND o.id > ? AND o.id <= ? ORDER BY o.id LIMIT ?
            """
        ).visit(start, end, lookedAtMax) { row in
            seen += 1
            last = try row.get(0)
            let (lines, current) = try (row.get(1, as: Int.self), row.get(3, as: Int.self))
            if try row.get(2, as: Bool.self), current > 0, 2 * current < lines {
                objects.append(last)
                records += current
            }
            return records < RecordBatch.countMax / 2
        }
        let isWhole = seen < lookedAtMax && records < RecordBatch.countMax / 2
        return (objects, OutboxPosition(isWhole ? end : last))
    }

    private typealias Current = (number: Int64, record: FileRecord, object: Int64)

    /// The current records of batches, by the number of replicas that are to keep them.
    private static func current(
        in objects: [Int64], _ session: Session
    ) throws -> [Int: [Current]] {
        let finding = try session.statement(
            """
            SELECT -l.id, l.text, l.hash FROM record o
            CROSS JOIN line l ON l.id >= o.line AND l.id < o.line + o.lines
            WHERE o.id = ? AND o.pending = 0 AND o.unexplained = 0 AND (
                EXISTS (SELECT 1 FROM file f WHERE f.record = -l.id)
                OR EXISTS (SELECT 1 FROM version w WHERE w.record = -l.id)
                OR EXISTS (SELECT 1 FROM tombstone t
                    WHERE t.record = -l.id AND NOT (\(RecordTable.isExpired))))
            """)
        let found = try objects.flatMap { object in
            try finding.all(object) { row in
                try (
                    number: row.get(0, as: Int64.self),
                    record: RecordTable.parse(row.get(1), hash: row.get(2)), object: object
                )
            }
        }
        return Dictionary(grouping: found) { $0.record.level.recordCopies }
    }

    private static func rewrite(_ group: [Current], _ session: Session) throws {
        let moving = try ["file", "version", "tombstone"].map {
            try session.statement("UPDATE \($0) SET record = ? WHERE record = ?")
        }
        let noting = try session.statement(
            """
            INSERT INTO moved (old, new, level) VALUES (?, ?, ?)
            ON CONFLICT DO UPDATE SET level = max(level, excluded.level)
            """)
        let old = Dictionary(group.map { ($0.record, $0) }) { first, _ in first }
        let table = RecordTable(session)
        for batch in RecordBatch.cut(Array(old.keys)) {
            let (object, numbers) = try table.insert(batch, isPending: true)
            for (record, moved) in zip(batch.records, numbers) {
                guard let current = old[record] else { continue }
                for statement in moving { try statement.run(moved, current.number) }
                try noting.run(current.object, object, record.level)
            }
        }
    }
}
