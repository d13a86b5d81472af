import FoundationEssentials

/// The FileServer's sense of time, handed in so that tests can bend it.
public struct ServerClock: Sendable {
    /// Running time since some moment; it never goes back.
    public let elapsed: @Sendable () -> Duration
    /// Waits, or throws when the task is cancelled.
    public let sleep: @Sendable (Duration) async throws -> Void
    /// Seconds since 1970, for people to read. Nothing is decided by it but whether a token has
    /// expired.
    public let timestamp: @Sendable () -> Int64

    public init(
        elapsed: @escaping @Sendable () -> Duration,
        sleep: @escaping @Sendable (Duration) async throws -> Void,
        timestamp: @escaping @Sendable () -> Int64
    ) {
        self.elapsed = elapsed
        self.sleep = sleep
        self.timestamp = timestamp
    }

    public static let system: ServerClock = {
        let start = ContinuousClock.now
        return ServerClock(
            elapsed: { ContinuousClock.now - start },
            sleep: { try await Task.sleep(for: $0, clock: .continuous) },
            timestamp: { Int64(exactly: Date().timeIntervalSince1970.rounded(.down)) ?? 0 })
    }()

    /// Waits; `false` where the task was cancelled meanwhile.
    package func pause(_ duration: Duration) async -> Bool {
        do {
            try await sleep(duration)
            return true
        } catch {
            return false
        }
    }
}
