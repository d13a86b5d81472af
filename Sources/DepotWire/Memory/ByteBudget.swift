import DepotCore
import Synchronization

// What clients declare is reserved before it is read: however many connect and whatever they claim, memory stays
// within one number. Whoever does not fit waits in line, not for ever, and not in a line without end.

/// A fixed number of bytes of memory, lent out first come, first served.
public final class ByteBudget: Sendable {
    /// More than this many waiting are turned away: each holds a connection.
    public static let waitersMax = 1_024

    private struct Waiter {
        let id: UInt64
        let bytes: Int
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var free: Int
        var next: UInt64 = 0
        var waiters: [Waiter] = []
    }

    public let size: Int
    private let state: Mutex<State>

    public init(size: Int) {
        self.size = size
        state = Mutex(State(free: size))
    }

    /// What is not lent out.
    public var free: Int { state.withLock { $0.free } }

    /// Takes the bytes if nobody waits and they are there.
    public func tryReserve(_ bytes: Int) -> Bool {
        state.withLock { state in
            guard state.waiters.isEmpty, bytes <= state.free else { return false }
            state.free -= bytes
            return true
        }
    }

    /// Waits until the bytes are there and takes them. Give them back with `release`.
    ///
    /// - Throws: `tooLarge` for more than there ever are; `busy` where they are not there in time, too many
    ///   wait, or the task is cancelled.
    public func reserve(_ bytes: Int, within patience: Duration) async throws(DepotError) {
        guard bytes <= size else {
            throw DepotError(.tooLarge, "\(bytes) bytes of memory are wanted, \(size) are allowed")
        }
        if tryReserve(bytes) { return }
        let id = state.withLock { state in
            state.next += 1
            return state.next
        }
        // Begins when the waiter stands in line: an end that came before would find nobody to turn away.
        var timer: Task<Void, any Error>?
        defer { timer?.cancel() }
        let isGranted = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                wait(id, bytes, continuation)
                timer = Task {
                    try await Task.sleep(for: patience)
                    giveUp(id)
                }
            }
        } onCancel: {
            giveUp(id)
        }
        guard isGranted else {
            throw DepotError(.busy, "all memory for transfers is in use; try again in a moment")
        }
    }

    private func wait(_ id: UInt64, _ bytes: Int, _ continuation: CheckedContinuation<Bool, Never>)
    {
        let isDecided: Bool? = state.withLock { state in
            if state.waiters.isEmpty, bytes <= state.free {
                state.free -= bytes
                return true
            }
            guard state.waiters.count < Self.waitersMax, !Task.isCancelled else { return false }
            state.waiters.append(Waiter(id: id, bytes: bytes, continuation: continuation))
            return nil
        }
        if let isDecided { continuation.resume(returning: isDecided) }
    }

    private func giveUp(_ id: UInt64) {
        let (waiter, granted) = state.withLock { state -> (Waiter?, [Waiter]) in
            guard let index = state.waiters.firstIndex(where: { $0.id == id }) else {
                return (nil, [])
            }
            let waiter = state.waiters.remove(at: index)
            return (waiter, Self.grant(&state))
        }
        waiter?.continuation.resume(returning: false)
        for waiter in granted { waiter.continuation.resume(returning: true) }
    }

    public func release(_ bytes: Int) {
        let granted = state.withLock { state in
            state.free += bytes
            precondition(state.free <= size, "more was given back than lent")
            return Self.grant(&state)
        }
        for waiter in granted { waiter.continuation.resume(returning: true) }
    }

    private static func grant(_ state: inout State) -> [Waiter] {
        var count = 0
        while count < state.waiters.count, state.waiters[count].bytes <= state.free {
            state.free -= state.waiters[count].bytes
            count += 1
        }
        defer { state.waiters.removeFirst(count) }
        return Array(state.waiters.prefix(count))
    }
}
