import NIOCore
import Synchronization

/// The open connections, so that there is a bound on them and an end to them.
final class ConnectionRegistry: Sendable {
    private struct State {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var isDraining = false
        var drained: CheckedContinuation<Void, Never>?
    }

    /// Sent to each connection when it shall end after the request that is under way.
    struct Drain: Sendable {}

    private let countMax: Int
    private let state = Mutex(State())

    init(countMax: Int) { self.countMax = countMax }

    /// - Returns: whether there was room.
    func add(_ channel: any Channel) -> Bool {
        let key = ObjectIdentifier(channel)
        let isAdded = state.withLock { state in
            guard !state.isDraining, state.channels.count < countMax else { return false }
            state.channels[key] = channel
            return true
        }
        if isAdded { channel.closeFuture.whenComplete { [self] _ in remove(key) } }
        return isAdded
    }

    private func remove(_ key: ObjectIdentifier) {
        let continuation = state.withLock { state in
            state.channels[key] = nil
            guard state.channels.isEmpty else { return nil as CheckedContinuation<Void, Never>? }
            return state.drained.take()
        }
        continuation?.resume()
    }

    /// Asks all connections to end, and cuts off those that have not after the given time.
    func drain(within grace: Duration) async {
        let channels = state.withLock { state in
            state.isDraining = true
            return Array(state.channels.values)
        }
        for channel in channels {
            channel.pipeline.fireUserInboundEventTriggered(Drain())
        }
        let cutoff = Task {
            // Not cut short by a cancellation of the service: the requests under way have their time.
            try await Task.sleep(for: grace)
            for channel in channels { channel.close(promise: nil) }
        }
        await withCheckedContinuation { continuation in
            let isEmpty = state.withLock { state in
                if state.channels.isEmpty { return true }
                state.drained = continuation
                return false
            }
            if isEmpty { continuation.resume() }
        }
        cutoff.cancel()
    }
}
