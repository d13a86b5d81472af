import CoreMetrics
import DepotMetrics

/// Counts what the catalog is asked for, and measures how long it takes.
struct CatalogMetrics: Sendable {
    private let changes: Counter
    private let transaction: CoreMetrics.Timer
    private let view: CoreMetrics.Timer

    init(from factory: any MetricsFactory) {
        changes = MetricFamily.catalogChanges.counter(from: factory)
        transaction = MetricFamily.catalogTransaction.timer(from: factory)
        view = MetricFamily.catalogView.timer(from: factory)
    }

    func transaction(of count: Int, _ body: () -> Void) {
        let began = ContinuousClock.now
        body()
        transaction.record(began.duration(to: .now))
        changes.add(count)
    }

    func view<Value>(_ body: () -> Value) -> Value {
        let began = ContinuousClock.now
        defer { view.record(began.duration(to: .now)) }
        return body()
    }
}
