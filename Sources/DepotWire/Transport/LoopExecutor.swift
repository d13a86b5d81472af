import NIOCore

// A task that waits for a connection's bytes is woken on another thread than the one that read
// them, and wakes the first again when it writes. Run on the connection's own event loop it needs
// neither.

/// Runs tasks on an event loop. What they do must be short: the connections of the loop wait
/// meanwhile.
public final class LoopExecutor: TaskExecutor {
    /// Of the task that is running, for those that it starts to run by themselves.
    @TaskLocal public static var current: LoopExecutor?

    public let loop: any EventLoop

    public init(_ loop: any EventLoop) { self.loop = loop }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }

    /// Runs a body, and what it starts, on the loop.
    public func run<Value>(
        _ body: () async throws -> Value
    ) async rethrows -> Value {
        try await Self.$current.withValue(self) {
            try await withTaskExecutorPreference(self) { try await body() }
        }
    }
}
