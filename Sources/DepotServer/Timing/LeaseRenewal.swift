import DepotCluster
import DepotCore

// What the FileServer does under a lease of its own, a plain PUT or GET, waits for somebody else's
// bytes: a producer that is quiet, a reader that has stopped. How long that may last is another
// limit's to say, and not the lease's.

/// Keeps a lease alive while work goes on under it.
struct LeaseRenewal: Sendable {
    /// A lease outlives two renewals that fail.
    private static let share = 3

    let clock: ServerClock
    let lease: Duration
    let renew: @Sendable () async throws(DepotError) -> Void

    func whileRunning<Value>(_ body: () async throws -> Value) async throws -> Value {
        let keeper = Task {
            while await clock.pause(lease / Self.share) {
                // Whoever works under the lease finds out for itself.
                try? await renew()
            }
        }
        defer { keeper.cancel() }
        return try await body()
    }
}
