import DepotCore
import DepotSQLite

// What a replica says takes time to arrive. Between its word and the catalog's hearing, the copy may have been
// released and deleted, found bad, or lost with a log that went back. Setbacks are therefore kept for a
// while, with the tick when they happened: a good word counts only if its mark is not older.

/// Tells whether a replica's good word was overtaken.
struct Evidence {
    /// How long setbacks are kept, in milliseconds of running time; words that are older are refused. A
    /// barrier over a full disk queue takes seconds; this is far more, and bounds the table.
    static let ageMax: Int64 = 3_600_000

    private let mark: CatalogMark
    private let setbacks: SQLStatement?
    private let regressed: [Int: UInt64]

    /// - Throws: `conflict` where setbacks since the mark may have been forgotten.
    init(asOf mark: CatalogMark, _ session: Session) throws {
        self.mark = mark
        let horizon = try session.statement("SELECT horizon FROM cluster").first {
            try $0.get(0, as: UInt64.self)
        }
        if mark.value < horizon ?? 0 {
            throw DepotError(
                .conflict, "what replicas said is too old to be believed; ask them again")
        }
        let any = try session.statement(
            "SELECT EXISTS (SELECT 1 FROM setback), EXISTS (SELECT 1 FROM member WHERE regressed > ?)"
        ).first(mark.value) { try ($0.get(0, as: Bool.self), $0.get(1, as: Bool.self)) }
        setbacks =
            any?.0 == true
            ? try session.statement("SELECT tick FROM setback WHERE chunk = ? AND replica = ?")
            : nil
        var regressed: [Int: UInt64] = [:]
        if any?.1 == true {
            try session.statement("SELECT id, regressed FROM member").visit { row in
                regressed[try row.get(0)] = try row.get(1)
                return true
            }
        }
        self.regressed = regressed
    }

    /// Whether something came after the mark that a good word for this copy cannot have known.
    func isOvertaken(chunk: Int64, member: Int) throws -> Bool {
        if let tick = regressed[member], tick > mark.value { return true }
        let tick = try setbacks?.first(chunk, member) { try $0.get(0, as: UInt64.self) }
        return tick.map { $0 > mark.value } ?? false
    }
}

/// Notes that copies were released or found bad.
struct Setbacks {
    private let noting: SQLStatement
    private let session: Session

    init(_ session: Session) throws {
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
        let old = session.now - Evidence.ageMax
        let latest = try session.statement(
            "SELECT max(tick) FROM setback INDEXED BY setback_time WHERE time < ?"
        ).first(old) { try $0.get(0, as: UInt64?.self) }
        guard let latest, let latest else { return }
        try session.statement("UPDATE cluster SET horizon = max(horizon, ?)").run(latest)
        try session.statement("DELETE FROM setback WHERE time < ?").run(old)
    }
}
