import DepotCore
import Synchronization

// A replica that is stopped means to come back, one that died may not; FileServers wait longer for the first. So a
// replica that is asked to stop goes on answering until whoever asks it regularly how it is has been told.

/// Tells FileServers that the replica is being stopped.
final class Farewell: Sendable {
    /// Somebody who has not asked for so long is not watching.
    private static let watchedWithin = Duration.seconds(5)
    /// A watcher asks every second or so; one that does not is not waited for.
    private static let patience = Duration.seconds(3)

    private struct State {
        var lastAsked: ContinuousClock.Instant?
        var isLeaving = false
        var wasTold = false
    }

    private let state = Mutex(State())

    /// What a standing says, which is being asked for now.
    func mark(_ standing: ReplicaStanding) -> ReplicaStanding {
        var marked = standing
        marked.isLeaving = state.withLock { state in
            state.lastAsked = .now
            state.wasTold = state.isLeaving
            return state.isLeaving
        }
        return marked
    }

    /// Returns when a watcher was told, or nobody watches.
    func say() async {
        let isWatched = state.withLock { state in
            state.isLeaving = true
            return state.lastAsked.map { $0.duration(to: .now) < Self.watchedWithin } ?? false
        }
        guard isWatched else { return }
        let deadline = ContinuousClock.now + Self.patience
        while !state.withLock({ $0.wasTold }), ContinuousClock.now < deadline {
            do { try await Task.sleep(for: .milliseconds(20)) } catch { return }
        }
    }
}
