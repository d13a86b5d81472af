import DepotCore
import DepotWire
import NIOCore
import Synchronization

// The connection knows whether bytes come and go and whether anybody is there; the request knows
// whether it waits for them, and what it holds. Neither can tell a slow client from a busy server
// alone.

/// What a connection and the request on it tell each other.
final class Transfer: Sendable {
    /// Bytes of a body that are read before the request wants them.
    static let readAhead = 256 << 10

    /// Content of an answer that is in memory until the client takes it, and could be loaded again.
    typealias Recall = @Sendable () -> Void

    /// The task of the request. It is used while the task runs only: `Transfer` lets go of it
    /// before the task goes on to anything else, and both happen on the connection's event loop.
    private struct Running: @unchecked Sendable {
        let task: UnsafeCurrentTask
    }

    private struct State {
        var running: Running?
        var isGone = false
        var isBodyAwaited = false
        /// Read from the connection, and not taken by the request.
        var untaken = 0
        var isReadHeld = false
        var wanted: (@Sendable () -> Bool)?
        var borrower: Borrower
        var recall: Recall?
        var makesPlace = false
    }

    private let state: Mutex<State>
    /// Has the connection read on. On its event loop, or from anywhere.
    private let readOn: @Sendable () -> Void

    /// - Parameter address: where the connection comes from.
    init(address: String, readOn: @escaping @Sendable () -> Void) {
        state = Mutex(State(borrower: Borrower(token: "", address: address)))
        self.readOn = readOn
    }

    /// Whom memory is lent to on behalf of this connection.
    var borrower: Borrower { state.withLock { $0.borrower } }

    /// Whose request comes next.
    ///
    /// - Parameter token: its name.
    func isRequest(of token: String) {
        state.withLock { $0.borrower = Borrower(token: token, address: $0.borrower.address) }
    }

    // MARK: The request

    /// Runs a request. Where its connection ends meanwhile, the task is cancelled: whatever it
    /// waits for, it gives up, and gives back what it took.
    func run(_ request: () async throws -> Void) async throws {
        try await withUnsafeCurrentTask { task in
            begin(task)
            defer { end() }
            try await request()
        }
    }

    private func begin(_ task: UnsafeCurrentTask?) {
        let running = task.map(Running.init)
        let isGone = state.withLock { state in
            state.running = running
            state.untaken = 0
            return state.isGone
        }
        if isGone { running?.task.cancel() }
    }

    private func end() {
        let isHeld = state.withLock { state in
            state.running = nil
            state.isBodyAwaited = false
            state.wanted = nil
            state.recall = nil
            state.makesPlace = false
            defer { state.isReadHeld = false }
            return state.isReadHeld
        }
        if isHeld { readOn() }
    }

    /// The request waits for more of its body; `took` ends that.
    func awaitBody() {
        let isHeld = state.withLock { state in
            state.isBodyAwaited = true
            defer { state.isReadHeld = false }
            return state.isReadHeld
        }
        if isHeld { readOn() }
    }

    func took(_ bytes: Int) {
        state.withLock { state in
            state.isBodyAwaited = false
            state.untaken = max(0, state.untaken - bytes)
        }
    }

    /// Says how it is known that others wait for memory that the request takes; `nil` where it
    /// takes none.
    func takes(_ isWanted: (@Sendable () -> Bool)?) {
        state.withLock { $0.wanted = isWanted }
    }

    /// Says how content is let go that the client does not take; `nil` where there is none.
    func lends(_ recall: Recall?) { state.withLock { $0.recall = recall } }

    /// The request may go on for ever, and be cut off whenever somebody else wants its place.
    func makesPlace() { state.withLock { $0.makesPlace = true } }

    // MARK: The connection

    /// Whether the request is one that may be cut off.
    var isExpendable: Bool { state.withLock { $0.makesPlace } }

    /// Whether a request waits for the client's bytes, and whether others wait for the memory that
    /// it takes.
    var awaited: (isBodyAwaited: Bool, isWanted: Bool) {
        let (isAwaited, wanted) = state.withLock { ($0.isBodyAwaited, $0.wanted) }
        return (isAwaited, wanted?() == true)
    }

    var isUnderWay: Bool { state.withLock { $0.running != nil } }

    func arrived(_ bytes: Int) { state.withLock { $0.untaken += bytes } }

    /// Whether more may be read now; else `readOn` is called later.
    func mayRead() -> Bool {
        state.withLock { state in
            // A request that waits has taken all that came: what was counted else were heads and
            // framing.
            if state.isBodyAwaited { state.untaken = 0 }
            state.isReadHeld = state.running != nil && state.untaken >= Self.readAhead
            return !state.isReadHeld
        }
    }

    func letGo() {
        let recall = state.withLock { $0.recall }
        recall?()
    }

    /// The connection has ended, or is of no use any more. On its event loop.
    func gone() {
        let running = state.withLock { state in
            state.isGone = true
            return state.running
        }
        // Not under the lock: what is given up at once may come back here.
        running?.task.cancel()
    }
}
