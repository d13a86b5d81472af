import DepotCore

// A lease is renewed by whatever its client asks. Who asks nothing for longer than the lease,
// because a producer is quiet, a pager waits for a key or a tape is changed, would lose what was
// promised. So a task of its own renews it meanwhile, and only a client that was really stopped
// loses one.

/// Keeps a lease alive while work goes on that may ask nothing for long.
struct LeaseKeeper: Sendable {
    /// A lease outlives two renewals that fail.
    private static let share = 3
    /// What a FileServer says of its lease is believed between these.
    private static let bounds = Duration.seconds(1)...Duration.seconds(86_400)
    /// After one that failed: sooner than the next is due.
    private static let pauseAfterFailure = Duration.seconds(5)

    let lease: Duration
    /// Waits; throws where the task is cancelled.
    var pause: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    let renew: @Sendable () async throws(DepotError) -> Void

    /// No renewal is under way any more when this returns.
    func whileRunning<Value>(
        _ body: () async throws(DepotError) -> Value
    ) async throws(DepotError) -> Value {
        let keeper = Task { await run() }
        let result: Result<Value, DepotError>
        do throws(DepotError) {
            result = .success(try await body())
        } catch {
            result = .failure(error)
        }
        keeper.cancel()
        await keeper.value
        return try result.get()
    }

    private func run() async {
        let bounded = min(max(lease, Self.bounds.lowerBound), Self.bounds.upperBound)
        let usual = bounded / Self.share
        var next = usual
        while true {
            do {
                try await pause(next)
            } catch {
                return
            }
            do throws(DepotError) {
                try await renew()
                next = usual
            } catch {
                // Whoever works under the lease finds out for itself.
                next = min(usual, Self.pauseAfterFailure)
            }
        }
    }
}
