import DepotCore
import DepotSQLite

/// The deposits and retrievals that are under way.
struct Leases {
    struct Deposit {
        let number: Int64
        let level: ReplicationLevel
        let isLive: Bool
    }

    /// Pins that one change lets go, since others wait for it. The next change goes on.
    private static let endedAtOnce = 4_096

    private let session: Session

    init(_ session: Session) { self.session = session }

    // MARK: Use

    func find(_ deposit: DepositID) throws -> Deposit? {
        try session.statement(
            "SELECT id, level, coalesce(deadline > ?, 0) FROM deposit WHERE uuid = ?"
        ).first(session.now, deposit) {
            try Deposit(number: $0.get(0), level: $0.get(1), isLive: $0.get(2))
        }
    }

    /// - Throws: `leaseEnded`.
    func live(_ deposit: DepositID) throws -> Deposit {
        guard let found = try find(deposit), found.isLive else {
            throw DepotError(
                .leaseEnded,
                "the deposit has no lease, or it is over; open it again and negotiate again",
                object: deposit.description)
        }
        return found
    }

    /// The live lease, renewed.
    ///
    /// - Throws: `leaseEnded`.
    func renew(_ deposit: DepositID) throws -> Deposit {
        session.assertChange()
        let found = try live(deposit)
        try session.statement("UPDATE deposit SET deadline = ? + lease WHERE id = ?")
            .run(session.now, found.number)
        return found
    }

    // MARK: End

    /// Ends leases that are over, as many as a change has time for. Called at the start of every
    /// change. What is left of such a lease holds up a collection of its pins, and nothing else.
    func endAll() throws {
        session.assertChange()
        let over = try session.statement(
            "SELECT id FROM deposit WHERE deadline <= ? AND deadline IS NOT NULL LIMIT ?"
        ).all(session.now, Self.endedAtOnce) { try $0.get(0, as: Int64.self) }
        var room = Self.endedAtOnce
        for deposit in over where room > 0 { room -= try end(deposit, room: room) }
        assert(room >= 0, "a change lets go \(Self.endedAtOnce) pins at most")
        try session.statement("DELETE FROM retrieval WHERE deadline <= ?").run(session.now)
    }

    /// The lease is over from now on.
    func close(_ deposit: Int64) throws {
        session.assertChange()
        try session.statement("UPDATE deposit SET deadline = ? WHERE id = ?")
            .run(session.now, deposit)
        _ = try end(deposit, room: Self.endedAtOnce)
    }

    /// Takes away pins, and then the lease. The row of a deposit that has committed something is
    /// kept, for its receipts.
    ///
    /// - Parameter room: pins that may be taken away, at least one.
    /// - Returns: what it took of the room; at least one.
    private func end(_ deposit: Int64, room: Int) throws -> Int {
        assert(room > 0, "a lease ends where there is room for a pin")
        let pins = try ExpiredPins(of: deposit, atMost: room, session)
        try pins.letGo()
        guard pins.areAll else { return room }
        let hasCommitted = try session.statement(
            "SELECT committed IS NOT NULL FROM deposit WHERE id = ?"
        ).first(deposit) { try $0.get(0, as: Bool.self) }
        if hasCommitted == true {
            try session.statement(
                "UPDATE deposit SET deadline = NULL, ended = ? WHERE id = ?"
            ).run(session.now, deposit)
        } else {
            try session.statement("DELETE FROM deposit WHERE id = ?").run(deposit)
        }
        return min(max(pins.count, 1), room)
    }
}
