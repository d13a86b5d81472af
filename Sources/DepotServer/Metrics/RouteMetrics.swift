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
        requests.note(
            request.route?.rawValue, status: request.status, duration: request.duration,
            received: request.received, sent: request.sent)
        if request.isCutOff { cutOff.increment() }
    }
}
