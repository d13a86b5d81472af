import DepotCore
import DepotWire

// Whoever gives up on a replica must be free at that moment. A structured race would still wait
// until the loser has noticed its cancellation, and a transport that hangs may never notice; so
// both racers are tasks of their own. The loser is cancelled, and what it returns is dropped.

/// Runs an operation for no longer than a limit.
package struct TimeLimit: Sendable {
    /// Between two looks whether there is still hope.
    private static let lookInterval = Duration.seconds(1)

    private let clock: ServerClock
    private let limit: Duration

    package init(clock: ServerClock, limit: Duration) {
        self.clock = clock
        self.limit = limit
    }

    /// - Parameter lost: says why there is no use in waiting any longer, once there is none.
    /// - Throws: what the operation throws; `unreachable` after the limit, or when the task was
    ///   cancelled.
    package func run<Value: Sendable>(
        _ what: String, unless lost: (@Sendable () -> DepotError?)? = nil,
        _ operation: @escaping @Sendable () async throws(DepotError) -> Value
    ) async throws(DepotError) -> Value {
        let race = OneShot<Result<Value, DepotError>>()
        let work = Task(executorPreference: LoopExecutor.current) {
            do throws(DepotError) {
                race.decide(.success(try await operation()))
            } catch {
                race.decide(.failure(error))
            }
        }
        let timer = Task(executorPreference: LoopExecutor.current) {
            var left = limit
            while left > .zero {
                let step = lost == nil ? left : min(left, Self.lookInterval)
                guard await clock.pause(step) else { return }
                if let error = lost?() {
                    race.decide(.failure(error))
                    return
                }
                left -= step
            }
            race.decide(
                .failure(DepotError(.unreachable, "\(what) did not come within \(limit)")))
        }
        let result = await withTaskCancellationHandler {
            await race.value()
        } onCancel: {
            race.decide(.failure(DepotError(.unreachable, "given up: the request is over")))
        }
        work.cancel()
        timer.cancel()
        return try result.get()
    }
}
