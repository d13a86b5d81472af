import DepotCore
import DepotWire
import Synchronization

// A deposit that is open holds a place among the catalog's and pins for as long as its lease is
// renewed, and no connection: without a share, one client that opens and never closes would keep
// all others from depositing. Deposits from before a start of the FileServer are in nobody's share.

/// Which deposits each client has open.
final class OpenDeposits: Sendable {
    private struct State {
        var ends: [Borrower: [DepositID: Duration]] = [:]
        var clients: [DepositID: Borrower] = [:]
        /// With so many those that have ended are looked for: clients that come no more leave them.
        var sweptAt = 1_024
    }

    /// At most so many of one client.
    private let ofOneMax: Int
    private let lease: Duration
    private let elapsed: @Sendable () -> Duration
    private let state = Mutex(State())

    /// - Parameter elapsed: running time.
    init(ofOneMax: Int, lease: Duration, elapsed: @escaping @Sendable () -> Duration) {
        self.ofOneMax = ofOneMax
        self.lease = lease
        self.elapsed = elapsed
    }

    /// Counts a deposit in a client's share. A client may open the same one again.
    ///
    /// - Returns: whether it was not open before.
    /// - Throws: `busy` where the client has as many open as it may.
    func open(_ deposit: DepositID, by client: Borrower) throws(DepotError) -> Bool {
        let now = elapsed()
        let isNew = state.withLock { state -> Bool? in
            if let owner = state.clients[deposit] {
                state.ends[owner]?[deposit] = now + lease
                return false
            }
            if state.clients.count >= state.sweptAt {
                for client in state.ends.keys { Self.removeEnded(of: client, at: now, &state) }
                state.sweptAt = max(1_024, 2 * state.clients.count)
            } else if state.ends[client, default: [:]].count >= ofOneMax {
                Self.removeEnded(of: client, at: now, &state)
            }
            guard state.ends[client, default: [:]].count < ofOneMax else { return nil }
            state.clients[deposit] = client
            state.ends[client, default: [:]][deposit] = now + lease
            return true
        }
        guard let isNew else {
            throw DepotError(
                .busy,
                "\(ofOneMax) deposits of this client are open, and no more are taken; close those "
                    + "that are done, or try again when a lease has ended")
        }
        return isNew
    }

    /// A request of a deposit renewed its lease.
    func renew(_ deposit: DepositID) {
        let now = elapsed()
        state.withLock { state in
            guard let client = state.clients[deposit] else { return }
            state.ends[client]?[deposit] = now + lease
        }
    }

    func close(_ deposit: DepositID) {
        state.withLock { state in
            guard let client = state.clients.removeValue(forKey: deposit) else { return }
            state.ends[client]?[deposit] = nil
            if state.ends[client]?.isEmpty == true { state.ends[client] = nil }
        }
    }

    private static func removeEnded(of client: Borrower, at now: Duration, _ state: inout State) {
        for (deposit, end) in state.ends[client] ?? [:] where end < now {
            state.clients[deposit] = nil
            state.ends[client]?[deposit] = nil
        }
        if state.ends[client]?.isEmpty == true { state.ends[client] = nil }
    }
}
