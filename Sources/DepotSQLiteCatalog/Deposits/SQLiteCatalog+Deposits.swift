import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    public func openDeposit(_ opening: DepositOpening) async throws(DepotError) {
        let limits = claims
        try await queue.change { session in
            guard try !ClusterTable(session).isRebuilding() else {
                throw DepotError(
                    .conflict, "the catalog is being rebuilt; deposits are taken when that is done",
                    object: opening.deposit.description)
            }
            let lease = opening.lease.milliseconds
            let known = try Leases(session).find(opening.deposit)
            if let known, known.level != opening.level {
                throw DepotError(
                    .conflict,
                    "this deposit is at level \(known.level), \(opening.level) was asked for; "
                        + "use a new deposit id",
                    object: opening.deposit.description)
            }
            if known?.isLive != true { try PinQuota(session).requireRoomForDeposit(limits) }
            try session.statement(
                """
                INSERT INTO deposit (uuid, level, lease, deadline, committed)
                VALUES (?, ?, ?, ?, NULL)
                ON CONFLICT (uuid) DO UPDATE SET lease = excluded.lease,
                    deadline = excluded.deadline,
                    ended = NULL
                """
            ).run(opening.deposit, opening.level, lease, session.now + lease)
        }
    }

    public func renewDeposit(_ deposit: DepositID) async throws(DepotError) {
        try await queue.change(isDurable: false) { _ = try Leases($0).renew(deposit) }
    }

    public func closeDeposit(_ deposit: DepositID) async throws(DepotError) {
        try await queue.change { session in
            let leases = Leases(session)
            guard let found = try leases.find(deposit), found.isLive else { return }
            try leases.close(found.number)
        }
    }

    public func depositLevel(_ deposit: DepositID) async throws(DepotError) -> ReplicationLevel {
        try await queue.view { try Leases($0).live(deposit).level }
    }
}
