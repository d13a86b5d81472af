import DepotWire
import Synchronization

/// Counts requests of the last hour, for the page. Its size is fixed.
final class TrafficRing: RequestObserver {
    static let slotSeconds = 10
    static let slotCount = 360

    private struct Slot: Sendable {
        var requests = 0
        var failures = 0
        var received: UInt64 = 0
        var sent: UInt64 = 0
        var latencies = LatencyHistogram()
    }

    private struct State {
        var slots = [Slot](repeating: Slot(), count: slotCount)
        /// The number of the newest slot, counted from the start.
        var newest: Int64 = 0

        /// Empties slots whose time has come round again.
        mutating func advance(to number: Int64) {
            guard number > newest else { return }
            for passed in 1...min(number - newest, Int64(slotCount)) {
                slots[place(newest + passed)] = Slot()
            }
            if number - newest > Int64(slotCount) {
                for place in slots.indices { slots[place] = Slot() }
            }
            newest = number
        }

        func place(_ number: Int64) -> Int { Int(number % Int64(slotCount)) }
    }

    private let state = Mutex(State())
    private let elapsed: @Sendable () -> Duration
    private let start: Duration

    /// - Parameter elapsed: running time.
    init(elapsed: @escaping @Sendable () -> Duration) {
        self.elapsed = elapsed
        start = elapsed()
    }

    private var number: Int64 {
        max(0, (elapsed() - start).components.seconds) / Int64(Self.slotSeconds)
    }

    func note(_ request: AnsweredRequest) {
        // A stream of events is as long as somebody looks.
        guard request.route != .events else { return }
        let number = number
        state.withLock { state in
            state.advance(to: number)
            let place = state.place(state.newest)
            state.slots[place].requests += 1
            if request.status >= 500 || request.isCutOff { state.slots[place].failures += 1 }
            state.slots[place].received &+= request.received
            state.slots[place].sent &+= request.sent
            state.slots[place].latencies.note(request.duration)
        }
    }

    /// The oldest slot first.
    func body() -> TrafficBody {
        let number = number
        let slots = state.withLock { state in
            state.advance(to: number)
            return (1...Int64(Self.slotCount)).map {
                state.slots[state.place(state.newest + $0)]
            }
        }
        return TrafficBody(
            slotSeconds: Self.slotSeconds, requests: slots.map(\.requests),
            failures: slots.map(\.failures), received: slots.map(\.received),
            sent: slots.map(\.sent), medians: slots.map { $0.latencies.quantile(0.5) },
            slowest: slots.map { $0.latencies.quantile(0.99) })
    }
}
