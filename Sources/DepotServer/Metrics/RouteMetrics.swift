import CoreMetrics
import DepotMetrics

/// Counts the requests of a FileServer for its metrics.
struct RouteMetrics: RequestObserver {
    private let requests: RequestMetrics
    private let cutOff: Counter

    init(from factory: any MetricsFactory) {
        requests = RequestMetrics(of: Route.self, from: factory)
        cutOff = MetricFamily.cutOffAnswers.counter(from: factory)
    }

    func note(_ request: AnsweredRequest) {
        // A stream of events is as long as somebody looks: it would be the slowest answer of all.
        guard request.route != .events else { return }
        requests.note(
            request.route?.rawValue, status: request.status, duration: request.duration,
            received: request.received, sent: request.sent)
        if request.isCutOff { cutOff.increment() }
    }
}
