import DepotCore
import Synchronization

// One number bounds the content that all requests together hold in memory. A request asks for the bytes of an
// object before it takes the first of them, and waits its turn, so that a crowd of clients is slowed down and
// nobody is refused. First come, first served: a large object is not starved by small ones.

/// Bytes of content that may be in memory at once.
final class MemoryBudget: Sendable {
    private struct State {
        var free: Int
        var queue: [Waiting] = []
        var ticket = 0
    }

    private struct Waiting {
        let ticket: Int
        let bytes: Int
        let turn: CheckedContinuation<Bool, Never>
    }

    let size: Int
    private let state: Mutex<State>

    init(size: Int) {
        self.size = size
        state = Mutex(State(free: size))
    }

    /// Waits until so many bytes are free. More than there are at all count as all.
    ///
    /// - Throws: `busy` where the task is cancelled while it waits.
    func reserve(_ bytes: Int) async throws(DepotError) -> MemoryReservation {
        let bytes = min(bytes, size)
        let ticket = state.withLock { state in
            state.ticket += 1
            return state.ticket
        }
        let isGranted = await withTaskCancellationHandler {
            await withCheckedContinuation { turn in
                let isImmediate = state.withLock { state -> Bool? in
                    if Task.isCancelled { return false }
                    if state.queue.isEmpty, state.free >= bytes {
                        state.free -= bytes
                        return true
                    }
                    state.queue.append(Waiting(ticket: ticket, bytes: bytes, turn: turn))
                    return nil
                }
                if let isImmediate { turn.resume(returning: isImmediate) }
            }
        } onCancel: {
            giveUp(ticket)
        }
        guard isGranted else { throw DepotError(.busy, "given up while waiting for memory") }
        return MemoryReservation(bytes: bytes, of: self)
    }

    private func giveUp(_ ticket: Int) {
        let waiting = state.withLock { state -> Waiting? in
            guard let index = state.queue.firstIndex(where: { $0.ticket == ticket }) else {
                return nil
            }
            return state.queue.remove(at: index)
        }
        waiting?.turn.resume(returning: false)
        // Who stood behind a large one may have room now.
        release(0)
    }

    fileprivate func release(_ bytes: Int) {
        let served = state.withLock { state -> [Waiting] in
            state.free += bytes
            var count = 0
            for waiting in state.queue {
                guard waiting.bytes <= state.free else { break }
                state.free -= waiting.bytes
                count += 1
            }
            defer { state.queue.removeFirst(count) }
            return Array(state.queue.prefix(count))
        }
        for waiting in served { waiting.turn.resume(returning: true) }
    }
}

/// Bytes that are taken from the budget until nobody refers to this any more.
final class MemoryReservation: Sendable {
    let bytes: Int
    private let budget: MemoryBudget

    fileprivate init(bytes: Int, of budget: MemoryBudget) {
        self.bytes = bytes
        self.budget = budget
    }

    deinit { budget.release(bytes) }
}
