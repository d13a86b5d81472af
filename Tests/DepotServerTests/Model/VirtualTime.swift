import DepotCluster
import Synchronization

// With the machine's time, what several FileServers do in the background falls between requests as it likes, and a seed
// that fails once does not fail again. Here nothing happens between two steps of a test that it did not ask for.

/// Time that stands still until a test moves it on.
final class VirtualTime: Sendable {
    private struct Sleeper {
        let due: Duration
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var now = Duration.zero
        var number = 0
        var sleepers: [Int: Sleeper] = [:]
        /// Who waits until so many sleep.
        var waiters: [Int: (count: Int, continuation: CheckedContinuation<Void, Never>)] = [:]

        /// Somebody sleeps, or has left: those go on who waited for that.
        mutating func satisfied() -> [CheckedContinuation<Void, Never>] {
            let found = waiters.filter { sleepers.count >= $0.value.count }
            for number in found.keys { waiters[number] = nil }
            return found.values.map(\.continuation)
        }
    }

    private let state = Mutex(State())

    var clock: ServerClock {
        ServerClock(
            elapsed: { [self] in state.withLock { $0.now } },
            sleep: { [self] in try await sleep($0) },
            timestamp: { [self] in 1_800_000_000 + state.withLock { $0.now }.components.seconds })
    }

    /// How many wait for time to pass.
    var sleeping: Int { state.withLock { $0.sleepers.count } }

    private func sleep(_ duration: Duration) async throws {
        let number = state.withLock { state in
            state.number += 1
            return state.number
        }
        let isOver = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                var waiting: [CheckedContinuation<Void, Never>] = []
                let isOver: Bool? = state.withLock { state in
                    // A cancellation that came before this finds nobody to wake.
                    if Task.isCancelled { return false }
                    if duration <= .zero { return true }
                    state.sleepers[number] = Sleeper(
                        due: state.now + duration, continuation: continuation)
                    waiting = state.satisfied()
                    return nil
                }
                if let isOver { continuation.resume(returning: isOver) }
                for one in waiting { one.resume() }
            }
        } onCancel: {
            state.withLock { $0.sleepers.removeValue(forKey: number) }?.continuation
                .resume(returning: false)
        }
        if !isOver { throw CancellationError() }
    }

    /// Moves on, and waits until whoever was woken has done what it does and sleeps again.
    ///
    /// - Parameter patience: for those who will not sleep again, or not soon.
    func advance(by duration: Duration, patience: Duration) async throws {
        let (before, woken) = state.withLock { state in
            let before = state.sleepers.count
            state.now += duration
            let due = state.sleepers.filter { $0.value.due <= state.now }
            for number in due.keys { state.sleepers[number] = nil }
            return (before, due.sorted { ($0.value.due, $0.key) < ($1.value.due, $1.key) })
        }
        for (_, sleeper) in woken { sleeper.continuation.resume(returning: true) }
        try await settle(before, patience: patience)
    }

    /// Waits until so many sleep.
    func settle(_ count: Int, patience: Duration) async throws {
        let number = state.withLock { state in
            state.number += 1
            return state.number
        }
        let timer = Task { [self] in
            try await Task.sleep(for: patience)
            state.withLock { $0.waiters.removeValue(forKey: number) }?.continuation.resume()
        }
        await withCheckedContinuation { continuation in
            let isSettled = state.withLock { state in
                if state.sleepers.count >= count { return true }
                state.waiters[number] = (count, continuation)
                return false
            }
            if isSettled { continuation.resume() }
        }
        timer.cancel()
    }
}
