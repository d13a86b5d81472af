import Synchronization

// A scrape has to be cheap however large the depot is, and some of what it tells takes a look at
// all that there is. So whoever asks gets what was found last, at once, and has it found anew in
// the background where it is old. While nobody asks, nobody looks.

/// A value that takes long to find.
public final class LatelyFound<Value: Sendable>: Sendable {
    /// What was found last.
    public struct Finding: Sendable {
        public let value: Value
        /// So long ago that was.
        public let age: Duration
        /// So long it took.
        public let took: Duration
    }

    private struct State {
        var last: (value: Value, at: Duration)?
        var took = Duration.zero
        /// When it was last looked for, in vain or not.
        var triedAt: Duration?
    }

    /// It is not looked for more often.
    public static var periodMin: Duration { .seconds(15) }
    /// Nor does looking take more than this share of the time.
    private static var share: Int { 20 }

    private let elapsed: @Sendable () -> Duration
    private let find: @Sendable () async throws -> Value
    private let state = Mutex(State())
    private let bell: AsyncStream<Void>
    private let ring: AsyncStream<Void>.Continuation

    /// - Parameters:
    ///   - elapsed: running time.
    ///   - find: finds the value. Where it throws, the last one stays.
    public init(
        elapsed: @escaping @Sendable () -> Duration,
        find: @escaping @Sendable () async throws -> Value
    ) {
        self.elapsed = elapsed
        self.find = find
        (bell, ring) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Does not wait.
    ///
    /// - Returns: `nil` where nothing was found yet.
    public func last() -> Finding? {
        let now = elapsed()
        let state = state.withLock { $0 }
        if isDue(state, at: now) { ring.yield() }
        return state.last.map { Finding(value: $0.value, age: now - $0.at, took: state.took) }
    }

    private func isDue(_ state: State, at now: Duration) -> Bool {
        guard let triedAt = state.triedAt else { return true }
        return now - triedAt >= max(Self.periodMin, state.took * Self.share)
    }

    /// Looks when somebody has asked, until the task is cancelled. For one task at a time.
    public func run() async {
        for await _ in bell {
            let began = elapsed()
            guard isDue(state.withLock { $0 }, at: began) else { continue }
            let found = try? await find()
            let ended = elapsed()
            state.withLock { state in
                state.triedAt = ended
                state.took = ended - began
                if let found { state.last = (found, ended) }
            }
        }
    }
}
