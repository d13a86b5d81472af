import DepotCluster
import DepotCore
import DepotWire
import Synchronization

// A page that somebody has open is told of what changes. Each such stream holds a connection, so
// their number is bounded, in all and for each client, and they make place where others want one.
// One loop makes the snapshot for all of them. A stream keeps nothing but the newest: whoever takes
// it slowly misses some, and whoever takes nothing is cut off as any slow answer is.

/// The streams of events that are open.
final class EventStreams: Sendable {
    /// Between two looks whether something has changed.
    static let period = Duration.seconds(2)
    /// A stream in which nothing happened says so after so many looks, so that a connection that is
    /// dead shows, and whoever may not listen any more is found.
    static let heartbeatLooks = 7

    typealias Current = @Sendable () async throws(DepotError) -> OverviewService.Snapshot
    typealias Stream = AsyncStream<OverviewService.Snapshot>

    /// One who listens. The stream ends with it.
    final class Listener: Sendable {
        let stream: Stream
        private let number: UInt64
        private let streams: EventStreams

        fileprivate init(_ stream: Stream, _ number: UInt64, _ streams: EventStreams) {
            self.stream = stream
            self.number = number
            self.streams = streams
        }

        deinit { streams.close(number) }
    }

    private struct Place: Sendable {
        let borrower: Borrower
        let continuation: Stream.Continuation
    }

    private struct State {
        var places: [UInt64: Place] = [:]
        var next: UInt64 = 0
        var isOver = false
    }

    private let state = Mutex(State())
    private let countMax: Int
    private let countOfOneMax: Int
    private let current: Current
    private let clock: ServerClock

    /// - Parameters:
    ///   - connections: that the FileServer has at most. A quarter of them may be streams, and half of
    ///     these of one token and address.
    ///   - current: what is to be told.
    init(connections: Int, clock: ServerClock, current: @escaping Current) {
        countMax = max(1, connections / 4)
        countOfOneMax = max(1, connections / 8)
        self.current = current
        self.clock = clock
    }

    /// - Throws: `busy` where too many are open, or the server is stopping.
    func open(for borrower: Borrower) throws(DepotError) -> Listener {
        let (stream, continuation) = Stream.makeStream(bufferingPolicy: .bufferingNewest(1))
        let number = state.withLock { state -> UInt64? in
            let own = state.places.values.count { $0.borrower == borrower }
            guard !state.isOver, state.places.count < countMax, own < countOfOneMax else {
                return nil
            }
            state.next += 1
            state.places[state.next] = Place(borrower: borrower, continuation: continuation)
            return state.next
        }
        guard let number else {
            continuation.finish()
            throw DepotError(
                .busy, "too many pages are being kept up to date; this one has to ask by itself")
        }
        return Listener(stream, number, self)
    }

    private func close(_ number: UInt64) {
        let place = state.withLock { $0.places.removeValue(forKey: number) }
        place?.continuation.finish()
    }

    var count: Int { state.withLock { $0.places.count } }

    /// Tells listeners what changes, until the task is cancelled.
    func run() async {
        var (told, looks) = (nil as UInt64?, 0)
        while await clock.pause(Self.period) {
            guard count > 0 else { continue }
            looks += 1
            // What cannot be read now is not told of; the page sees that nothing comes.
            guard let snapshot = try? await current() else { continue }
            guard snapshot.version != told || looks >= Self.heartbeatLooks else { continue }
            (told, looks) = (snapshot.version, 0)
            let places = state.withLock { Array($0.places.values) }
            for place in places { place.continuation.yield(snapshot) }
        }
        end()
    }

    /// Ends all streams; no others begin.
    func end() {
        let places = state.withLock { state in
            state.isOver = true
            return Array(state.places.values)
        }
        for place in places { place.continuation.finish() }
    }
}
