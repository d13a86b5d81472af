import CoreMetrics

/// Counts a daemon's requests by what they ask for. All counters are there from the start, so that
/// the first error of a kind is seen as one more than none.
public struct RequestMetrics<Asked: CaseIterable & Hashable & Sendable>: Sendable {
    private struct Series: Sendable {
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

    private let known: [Asked: Series]
    private let unknown: Series

    public init(from factory: any MetricsFactory) {
        known = Dictionary(
            Asked.allCases.map { ($0, Series(LabelValue($0), from: factory)) }
        ) { first, _ in first }
        unknown = Series(LabelValue(Nothing.none), from: factory)
    }

    /// - Parameters:
    ///   - route: `nil` where nothing was asked for that there is.
    ///   - status: that of HTTP.
    ///   - received: bytes of its body.
    ///   - sent: bytes of its answer's body.
    public func note(
        _ route: Asked?, status: Int, duration: Duration, received: UInt64, sent: UInt64
    ) {
        let series = route.flatMap { known[$0] } ?? unknown
        series.requests[StatusClass(status).rawValue].increment()
        series.duration.record(duration)
        if received > 0 { series.received.add(received) }
        if sent > 0 { series.sent.add(sent) }
    }
}
