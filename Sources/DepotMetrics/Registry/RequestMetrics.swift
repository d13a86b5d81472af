import CoreMetrics

// Every request is noted here, on its connection's event loop. So a route is a place in an array: to
// hash an enumeration of another target's would cost more than all the counting.

/// Counts a daemon's requests by what they ask for. All counters are there from the start, so that
/// the first error of a kind is seen as one more than none.
public final class RequestMetrics: Sendable {
    private final class Series: Sendable {
        /// By `StatusClass`.
        let requests: [Counter]
        let duration: CoreMetrics.Timer
        let received: Counter
        let sent: Counter

        init(_ route: LabelValue, from factory: any MetricsFactory) {
            requests = StatusClass.allCases.map {
                MetricFamily.requests.counter(route, LabelValue($0), from: factory)
            }
            duration = MetricFamily.requestDuration.timer(route, from: factory)
            received = MetricFamily.receivedBytes.counter(route, from: factory)
            sent = MetricFamily.sentBytes.counter(route, from: factory)
        }
    }

    /// What is asked for that there is not.
    private enum Nothing: CaseIterable, Sendable {
        case none
    }

    private let known: [Series]
    private let unknown: Series

    /// - Parameter routes: what can be asked for.
    public init<Route: CaseIterable & Sendable>(
        of routes: Route.Type, from factory: any MetricsFactory
    ) {
        known = routes.allCases.map { Series(LabelValue($0), from: factory) }
        unknown = Series(LabelValue(Nothing.none), from: factory)
    }

    /// - Parameters:
    ///   - place: of what was asked for among all that can be; `nil` where there is no such thing.
    ///   - status: that of HTTP.
    ///   - received: bytes of its body.
    ///   - sent: bytes of its answer's body.
    public func note(
        _ place: Int?, status: Int, duration: Duration, received: UInt64, sent: UInt64
    ) {
        let series = place.map { known.indices.contains($0) ? known[$0] : unknown } ?? unknown
        series.requests[StatusClass(status).rawValue].increment()
        series.duration.record(duration)
        if received > 0 { series.received.add(received) }
        if sent > 0 { series.sent.add(sent) }
    }
}
