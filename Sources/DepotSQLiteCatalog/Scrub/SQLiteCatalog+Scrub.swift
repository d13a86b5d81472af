import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    public func noteSegments(
        _ segments: [SegmentInfo], of replica: ReplicaID
    ) async throws(DepotError) {
        try await queue.change { session in
            let member = try session.members().number(of: replica)
            let keeping = try session.statement(
                """
                INSERT INTO segment (replica, number, nonce, bytes, copies, sealed, problems)
                VALUES (?, ?, ?, ?, ?, ?, 0)
                ON CONFLICT DO UPDATE SET bytes = excluded.bytes, copies = excluded.copies,
                    sealed = excluded.sealed,
                    checked = iif(nonce = excluded.nonce, checked, NULL),
                    time = iif(nonce = excluded.nonce, time, NULL),
                    problems = iif(nonce = excluded.nonce, problems, 0), nonce = excluded.nonce
                """)
            for segment in segments {
                try keeping.run(
                    member, segment.id.number, RandomBits(segment.id.nonce), segment.bytes,
                    segment.liveCopies,
                    segment.isSealed)
            }
            let named = Set(segments.map(\.id.number))
            let known = try session.statement("SELECT number FROM segment WHERE replica = ?")
                .all(member) { try $0.get(0, as: UInt32.self) }
            let forgetting = try session.statement(
                "DELETE FROM segment WHERE replica = ? AND number = ?")
            for number in known where !named.contains(number) {
                try forgetting.run(member, number)
            }
        }
    }

    public func noteScrub(
        of segment: SegmentID, on replica: ReplicaID, bytes: UInt64, copies: Int, problems: Int,
        time: Int64
    ) async throws(DepotError) {
        try await queue.change { session in
            let member = try session.members().number(of: replica)
            try session.statement(
                """
                UPDATE segment SET checked = ?, time = ?, problems = ?, copies = ?
                WHERE replica = ? AND number = ? AND nonce = ?
                """
            ).run(
                session.now, time, problems, copies, member, segment.number,
                RandomBits(segment.nonce))
        }
    }

    public func segmentChecks(
        on replica: ReplicaID
    ) async throws(DepotError) -> [SegmentCheck] {
        try await queue.view { session in
            let member = try session.members().number(of: replica)
            return try session.statement(
                """
                SELECT number, nonce, bytes, copies, sealed, checked, time, problems FROM segment
                WHERE replica = ? ORDER BY checked IS NOT NULL, checked, number
                """
            ).all(member) { row in
                let checked = try row.get(5, as: Int64?.self)
                return try SegmentCheck(
                    segment: SegmentID(
                        number: row.get(0), nonce: row.get(1, as: RandomBits.self).bits),
                    bytes: row.get(2),
                    copies: row.get(3), isSealed: row.get(4),
                    age: checked.map { .milliseconds(max(0, session.now - $0)) }, time: row.get(6),
                    problems: row.get(7))
            }
        }
    }
}
