import DepotCore
import DepotSQLite

/// The deposits and retrievals that are under way.
enum Leases {
    struct Deposit {
        let number: Int64
        let level: ReplicationLevel
        let isLive: Bool
    }

    /// Ends what is over. Called at the start of every change: after it, a lease that is there is live.
    static func end(_ session: Session) throws {
        let over = try session.statement(
            "SELECT id FROM deposit WHERE deadline <= ? AND deadline IS NOT NULL"
        ).all(session.now) { try $0.get(0, as: Int64.self) }
        for deposit in over { try end(deposit, session) }
        try session.statement("DELETE FROM retrieval WHERE deadline <= ?").run(session.now)
    }

    /// Takes away lease and pins. What keeps receipts is kept.
    static func end(_ deposit: Int64, _ session: Session) throws {
        try session.statement("DELETE FROM pin WHERE deposit = ?").run(deposit)
        let hasReceipts = try session.statement(
            "SELECT EXISTS (SELECT 1 FROM receipt WHERE deposit = ?)"
        ).first(deposit) { try $0.get(0, as: Bool.self) }
        if hasReceipts == true {
            try session.statement(
                "UPDATE deposit SET deadline = NULL, ended = ? WHERE id = ?"
            ).run(session.now, deposit)
        } else {
            try session.statement("DELETE FROM deposit WHERE id = ?").run(deposit)
        }
    }

    static func find(_ deposit: DepositID, _ session: Session) throws -> Deposit? {
        try session.statement(
            "SELECT id, level, coalesce(deadline > ?, 0) FROM deposit WHERE uuid = ?"
        ).first(session.now, deposit) {
            try Deposit(number: $0.get(0), level: $0.get(1), isLive: $0.get(2))
        }
    }

    /// The live lease, renewed.
    ///
    /// - Throws: `leaseEnded`.
    static func renew(_ deposit: DepositID, _ session: Session) throws -> Deposit {
        let found = try live(deposit, session)
        try session.statement("UPDATE deposit SET deadline = ? + lease WHERE id = ?")
            .run(session.now, found.number)
        return found
    }

    /// - Throws: `leaseEnded`.
    static func live(_ deposit: DepositID, _ session: Session) throws -> Deposit {
        guard let found = try find(deposit, session), found.isLive else {
            throw DepotError(
                .leaseEnded,
                "the deposit has no lease, or it is over; open it again and negotiate again",
                object: deposit.description)
        }
        return found
    }
}
