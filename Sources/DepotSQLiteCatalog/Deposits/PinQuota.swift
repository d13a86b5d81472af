import DepotCore
import DepotSQLite

// A client with a token may open deposits and name chunks that are there: each costs a pin for as
// long as the lease is renewed. So pins are counted with the deposit, in the row that each of its
// steps writes anyway, and are bounded. Chunks that nobody has cost nothing: they are not noted.

/// Counts deposits and their pins, and refuses what is beyond the limits.
struct PinQuota {
    private let session: Session

    init(_ session: Session) { self.session = session }

    /// - Throws: `busy` where as many deposits are open as may be.
    func requireRoomForDeposit(_ limits: ClaimLimits) throws {
        let open = try session.statement(
            "SELECT count(*) FROM deposit WHERE deadline IS NOT NULL"
        ).first { try $0.get(0, as: Int.self) }
        guard open ?? 0 < limits.deposits else {
            throw DepotError(
                .busy,
                "\(limits.deposits) deposits are open, and no more are taken; close those that are "
                    + "done, or try again when a lease has ended")
        }
    }

    /// Counts new pins of the deposit with that number.
    ///
    /// - Throws: `busy` where they are too many; the change is to be taken back.
    func take(
        _ pins: Int, for deposit: DepositID, number: Int64, within limits: ClaimLimits
    ) throws {
        session.assertChange()
        assert(pins >= 0, "\(pins) pins were added")
        guard pins > 0 else { return }
        try session.statement("UPDATE deposit SET pins = pins + ? WHERE id = ?").run(pins, number)
        let counts = try session.statement(
            """
            SELECT coalesce(sum(pins), 0), (SELECT coalesce(max(id), 0) FROM chunk)
            FROM deposit WHERE deadline IS NOT NULL
            """
        ).first { try (pins: $0.get(0, as: Int.self), chunks: $0.get(1, as: Int.self)) }
        guard let counts, counts.pins - limits.pins > 4 * counts.chunks else { return }
        throw DepotError(
            .busy,
            "all deposits together hold \(counts.pins) chunks; try again when others have come "
                + "further",
            object: deposit.description)
    }
}
