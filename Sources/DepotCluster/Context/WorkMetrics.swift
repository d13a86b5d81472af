import CoreMetrics
import DepotMetrics

/// Counts what services do beside answering requests.
package struct WorkMetrics: Sendable {
    package let repairCopies: Counter
    package let repairBytes: Counter
    package let repairDrops: Counter
    package let barrier: CoreMetrics.Timer

    package init(from factory: any MetricsFactory) {
        repairCopies = MetricFamily.repairCopies.counter(from: factory)
        repairBytes = MetricFamily.repairBytes.counter(from: factory)
        repairDrops = MetricFamily.repairDrops.counter(from: factory)
        barrier = MetricFamily.depositBarrier.timer(from: factory)
    }

    /// For work that nobody watches.
    package static let uncounted = WorkMetrics(from: NOOPMetricsHandler.instance)
}
