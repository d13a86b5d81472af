import Synchronization

// How long a client has tried is what it has done, and not what went by while it was stopped: a
// laptop that slept for an hour would else give up at the first connection that it finds dead,
// without having tried once.

/// Time in which this process was running, in steps of a second.
final class AwakeTime: Sendable {
    static let shared = AwakeTime()

    private let seconds = Atomic(0)

    private init() {
        Task {
            while true {
                // After a stop of any length this is over once.
                try? await Task.sleep(for: .seconds(1))
                seconds.add(1, ordering: .relaxed)
            }
        }
    }

    /// May be a step behind.
    var elapsed: Duration { .seconds(seconds.load(ordering: .relaxed)) }
}
