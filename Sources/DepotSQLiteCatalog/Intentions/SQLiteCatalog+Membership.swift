import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    public func draining() async throws(DepotError) -> Set<ReplicaID> {
        try await queue.view { session in
            try Set(
                session.statement("SELECT replica FROM member WHERE draining = 1").all {
                    try $0.get(0, as: ReplicaID.self)
                })
        }
    }

    public func setDraining(
        _ replica: ReplicaID, _ isDraining: Bool
    ) async throws(DepotError) {
        try await queue.change { session in
            try session.statement("UPDATE member SET draining = ? WHERE id = ?")
                .run(isDraining, session.members().number(of: replica))
        }
    }

    public func remainder(
        on replica: ReplicaID
    ) async throws(DepotError) -> ReplicaRemainder {
        try await queue.view { session in
            let member = try session.members().number(of: replica)
            var found = ReplicaRemainder()
            let copies = try session.statement(
                """
                SELECT count(*), coalesce(sum(c.length), 0)
                FROM holding h CROSS JOIN chunk c ON c.id = h.chunk WHERE h.replica = ?
                """
            ).first(member) { try ($0.get(0, as: Int.self), $0.get(1, as: UInt64.self)) }
            (found.chunks, found.bytes) = copies ?? (0, 0)
            found.onlyCopies =
                try session.statement(
                    """
                    SELECT count(*) FROM holding h WHERE h.replica = ?1 AND h.state IN (0, 1)
                        AND NOT EXISTS (
                            SELECT 1 FROM holding o
                            WHERE o.chunk = h.chunk AND o.replica <> ?1 AND o.state = 1)
                        AND EXISTS (
                            SELECT 1 FROM reference r CROSS JOIN file f ON f.manifest = r.manifest
                            WHERE r.chunk = h.chunk)
                    """
                ).first(member) { try $0.get(0) } ?? 0
            found.records =
                try session.statement(
                    """
                    SELECT count(*) FROM record_holding h WHERE h.replica = ? AND (
                        EXISTS (SELECT 1 FROM file f WHERE f.record = h.record)
                        OR EXISTS (SELECT 1 FROM tombstone t WHERE t.record = h.record))
                    """
                ).first(member) { try $0.get(0) } ?? 0
            found.deposits =
                try session.statement(
                    """
                    SELECT count(DISTINCT p.deposit) FROM pin p
                    CROSS JOIN deposit d ON d.id = p.deposit AND d.deadline > ?
                    WHERE (p.vouched >> ?) & 1
                    """
                ).first(session.now, member) { try $0.get(0) } ?? 0
            return found
        }
    }

    public func forget(_ replica: ReplicaID) async throws(DepotError) {
        try await queue.change { session in
            let member = try session.members().number(of: replica)
            for table in ["holding", "setback", "record_holding", "segment"] {
                try session.statement("DELETE FROM \(table) WHERE replica = ?").run(member)
            }
            // Its number will be another member's.
            try session.statement("UPDATE pin SET vouched = vouched & ~(1 << ?)").run(member)
            try session.statement("DELETE FROM member WHERE id = ?").run(member)
            try session.statement("DELETE FROM awaited WHERE replica = ?").run(replica)
            try session.statement(
                "INSERT INTO forgotten (replica) VALUES (?) ON CONFLICT DO NOTHING"
            ).run(replica)
            session.membersChanged()
        }
    }

    public func forgotten() async throws(DepotError) -> Set<ReplicaID> {
        try await queue.view { session in
            try Set(
                session.statement("SELECT replica FROM forgotten").all {
                    try $0.get(0, as: ReplicaID.self)
                })
        }
    }

    // MARK: Losses

    public func losses(
        without replicas: Set<ReplicaID>, after cursor: FileName?, limit: Int
    ) async throws(DepotError) -> [FileLoss] {
        try Self.checkPage(limit)
        return try await queue.view { session in
            let mask = try session.members().mask(of: replicas)
            return try session.statement(
                """
                WITH copies AS (
                    SELECT f.name AS name, (
                        SELECT count(*) FROM holding h WHERE h.chunk = r.chunk AND h.state = 1
                            AND NOT (?1 >> h.replica) & 1) AS elsewhere, (
                        SELECT count(*) FROM holding h WHERE h.chunk = r.chunk AND h.state = 1
                            AND (?1 >> h.replica) & 1) AS here
                    FROM file f CROSS JOIN reference r ON r.manifest = f.manifest
                    WHERE f.name > ?2)
                SELECT name, sum(elsewhere = 0) AS lost, sum(elsewhere = 1 AND here > 0) AS last
                FROM copies GROUP BY name HAVING lost + last > 0 ORDER BY name LIMIT ?3
                """
            ).all(mask, cursor?.text ?? "", limit) {
                try FileLoss(name: $0.get(0), lostChunks: $0.get(1), lastCopies: $0.get(2))
            }
        }
    }

    public func lossTotals(
        without replicas: Set<ReplicaID>
    ) async throws(DepotError) -> LossTotals {
        try await queue.view { session in
            let mask = try session.members().mask(of: replicas)
            var totals = LossTotals()
            try session.statement(
                Self.usedChunks + """
                    , copies AS (
                        SELECT u.target AS target, c.length AS length, (
                            SELECT count(*) FROM holding h WHERE h.chunk = u.chunk AND h.state = 1
                                AND NOT (? >> h.replica) & 1) AS good
                        FROM used u CROSS JOIN chunk c ON c.id = u.chunk)
                    SELECT coalesce(sum(iif(good > 0, target - good, 0)), 0),
                        coalesce(sum(iif(good > 0, (target - good) * length, 0)), 0),
                        coalesce(sum(good = 0), 0)
                    FROM copies WHERE good < target
                    """
            ).visit(mask) { row in
                totals.copies = try row.get(0)
                totals.bytes = try row.get(1)
                totals.lostChunks = try row.get(2)
                return true
            }
            return totals
        }
    }
}
