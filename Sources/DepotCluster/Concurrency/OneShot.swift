import Synchronization

/// A value that is decided once, by whoever comes first, and awaited by any number.
package final class OneShot<Value: Sendable>: Sendable {
    private enum State {
        case open([CheckedContinuation<Value, Never>])
        case decided(Value)
    }

    private let state = Mutex<State>(.open([]))

    package init() {}

    /// - Returns: whether this call decided it.
    @discardableResult
    package func decide(_ value: Value) -> Bool {
        let waiting = state.withLock { state -> [CheckedContinuation<Value, Never>]? in
            guard case .open(let waiting) = state else { return nil }
            state = .decided(value)
            return waiting
        }
        guard let waiting else { return false }
        for one in waiting { one.resume(returning: value) }
        return true
    }

    package var current: Value? {
        state.withLock { state in
            if case .decided(let value) = state { value } else { nil }
        }
    }

    package func value() async -> Value {
        await withCheckedContinuation { waiting in
            let decided = state.withLock { state -> Value? in
                switch state {
                case .decided(let value):
                    return value
                case .open(let others):
                    state = .open(others + [waiting])
                    return nil
                }
            }
            if let decided { waiting.resume(returning: decided) }
        }
    }
}
