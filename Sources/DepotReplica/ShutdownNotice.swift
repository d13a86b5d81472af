import DepotCore
import Synchronization

// A replica that is stopped means to come back, one that died may not; FileServers wait longer for
// the first. A FileServer that watches a replica asks for its standing every second or so. So a
// replica that is asked to stop goes on answering until its watchers have read the notice.

/// Tells FileServers that the replica is being stopped.
final class ShutdownNotice: Sendable {
    /// A FileServer that has not asked for so long does not watch any more.
    private static let watchedWithin = Duration.seconds(5)
    /// No watcher is waited for longer.
    private static let patience = Duration.seconds(3)
    /// Where nobody has been connected for so long, nobody watches: one that only connects again
    /// asks within a second.
    private static let aloneMax = Duration.milliseconds(1_200)

    private struct State {
        var lastAsked: ContinuousClock.Instant?
        var isGiven = false
        var wasRead = false
    }

    private let state = Mutex(State())

    /// Adds the notice to a standing that is being asked for now.
    func added(to standing: ReplicaStanding) -> ReplicaStanding {
        var marked = standing
        marked.isLeaving = state.withLock { state in
            state.lastAsked = .now
            state.wasRead = state.isGiven
            return state.isGiven
        }
        return marked
    }

    /// Gives the notice. Returns when a watcher has read it, or nobody watches.
    ///
    /// - Parameter isConnected: whether anybody is connected who could ask.
    func give(while isConnected: () -> Bool) async {
        let isWatched = state.withLock { state in
            state.isGiven = true
            return state.lastAsked.map { $0.duration(to: .now) < Self.watchedWithin } ?? false
        }
        guard isWatched else { return }
        let deadline = ContinuousClock.now + Self.patience
        var lastConnected = ContinuousClock.now
        while !state.withLock({ $0.wasRead }), ContinuousClock.now < deadline {
            if isConnected() { lastConnected = .now }
            if lastConnected.duration(to: .now) > Self.aloneMax { return }
            do { try await Task.sleep(for: .milliseconds(20)) } catch { return }
        }
    }
}
