import DepotSQLite

// What a replica says takes time to arrive. Between its word and the catalog's hearing, the copy
// may have been released and deleted, found bad, or lost with a log that went back. Each release
// and each bad verdict is therefore kept for a while, with the tick when it happened: a good word
// counts only if its mark is not older. Without that, a late vouch would make a copy good that is
// gone.

/// Notes that copies were released or found bad, which makes every earlier good word for them
/// stale. In the file it is the table `setback`.
struct InvalidationTable {
    /// How long invalidations are kept, in milliseconds of running time; words that are older are
    /// refused. A barrier over a full disk queue takes seconds; this is far more, and bounds the
    /// table.
    private static let ageMax: Int64 = 3_600_000

    private let noting: SQLStatement
    private let session: Session

    init(_ session: Session) throws {
        session.assertChange()
        self.session = session
        noting = try session.statement(
            """
            INSERT INTO setback (chunk, replica, tick, time) VALUES (?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET tick = excluded.tick, time = excluded.time
            """)
        try forgetOld()
    }

    func note(chunk: Int64, member: Int) throws {
        try noting.run(chunk, member, session.tick, session.now)
    }

    private func forgetOld() throws {
        let old = session.now - Self.ageMax
        let latest = try session.statement(
            "SELECT max(tick) FROM setback INDEXED BY setback_time WHERE time < ?"
        ).first(old) { try $0.get(0, as: UInt64?.self) }
        guard let latest, let latest else { return }
        try session.statement("UPDATE cluster SET horizon = max(horizon, ?)").run(latest)
        try session.statement("DELETE FROM setback WHERE time < ?").run(old)
    }
}
