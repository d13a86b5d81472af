import NIOCore
import Synchronization

/// The open connections of a server, so that there is a bound on them and an end to them; see
/// `PlaceTable` for who has to go where there are too many.
public final class ConnectionRegistry: Sendable {
    private struct State {
        var places: PlaceTable<ObjectIdentifier>
        var channels: [ObjectIdentifier: any Channel] = [:]
        var isDraining = false
        /// When somebody who had a token last found no place.
        var fullAt: NIODeadline?
        var drained: CheckedContinuation<Void, Never>?
    }

    /// Sent to each connection when it shall end after the request that is under way.
    struct Drain: Sendable {}

    private let state: Mutex<State>
    /// Connections that may be open at once.
    public let countMax: Int
    private let refused = Atomic<UInt64>(0)

    public init(countMax: Int) {
        self.countMax = countMax
        state = Mutex(State(places: PlaceTable(countMax: countMax)))
    }

    /// - Returns: whether connections are still taken.
    func add(_ channel: any Channel) -> Bool {
        let key = ObjectIdentifier(channel)
        let address = channel.remoteAddress?.ipAddress ?? ""
        let (isAdded, victim) = state.withLock { state -> (Bool, (any Channel)?) in
            guard !state.isDraining else { return (false, nil) }
            state.channels[key] = channel
            return (true, Self.victim(state.places.enter(key, from: address), state))
        }
        victim?.close(promise: nil)
        if isAdded { channel.closeFuture.whenComplete { [self] _ in remove(key) } }
        return isAdded
    }

    private static func victim(
        _ answer: PlaceTable<ObjectIdentifier>.Answer, _ state: State
    ) -> (any Channel)? {
        if case .insteadOf(let key) = answer { state.channels[key] } else { nil }
    }

    /// A request that carries a token begins.
    ///
    /// - Parameter token: its name.
    /// - Returns: whether there is room for it.
    func begin(on channel: any Channel, with token: String) -> Bool {
        let (answer, victim) = state.withLock { state in
            let answer = state.places.begin(ObjectIdentifier(channel), with: token)
            if answer == .full { state.fullAt = .now() }
            return (answer, Self.victim(answer, state))
        }
        victim?.close(promise: nil)
        return answer != .full
    }

    /// All requests of a connection are answered.
    func end(on channel: any Channel) {
        state.withLock { $0.places.end(ObjectIdentifier(channel)) }
    }

    /// Whether the request of a connection waits for its client in vain.
    public func note(_ channel: any Channel, standsStill: Bool) {
        let key = ObjectIdentifier(channel)
        state.withLock { state in
            if standsStill { state.places.standsStill(key) } else { state.places.goesOn(key) }
        }
    }

    /// Connections that are open.
    public var count: Int { state.withLock { $0.channels.count } }

    /// A request was refused before anybody looked at what it asks for.
    func noteRefusal() { refused.wrappingAdd(1, ordering: .relaxed) }

    /// How many requests were.
    public var refusals: UInt64 { refused.load(ordering: .relaxed) }

    /// Whether nobody is connected.
    public var isEmpty: Bool { state.withLock { $0.channels.isEmpty } }

    /// Whether more than a quarter of the places are taken.
    public var isCrowded: Bool { state.withLock { $0.channels.count } > countMax / 4 }

    /// So long after somebody found no place others are expected to want one.
    private static let fullFor = TimeAmount.seconds(10)

    /// Whether somebody who had a token has lately found no place.
    public var isFull: Bool {
        state.withLock { state in
            state.fullAt.map { NIODeadline.now() - $0 < Self.fullFor } ?? false
        }
    }

    /// Closes connections that nobody misses.
    func makeRoom(_ count: Int) {
        let victims = state.withLock { state in
            state.places.leastUseful(count).compactMap { state.channels[$0] }
        }
        for channel in victims { channel.close(promise: nil) }
    }

    private func remove(_ key: ObjectIdentifier) {
        let continuation = state.withLock { state in
            state.channels[key] = nil
            state.places.leave(key)
            guard state.channels.isEmpty else { return nil as CheckedContinuation<Void, Never>? }
            return state.drained.take()
        }
        continuation?.resume()
    }

    /// Asks all connections to end, and cuts off those that have not after the given time.
    public func drain(within grace: Duration) async {
        let channels = state.withLock { state in
            state.isDraining = true
            return Array(state.channels.values)
        }
        for channel in channels {
            channel.pipeline.fireUserInboundEventTriggered(Drain())
        }
        let cutoff = Task {
            // Not cut short by a cancellation of the service: the requests under way have their
            // time.
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
