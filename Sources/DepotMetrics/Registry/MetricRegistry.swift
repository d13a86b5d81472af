import CoreMetrics
import Synchronization

// Whoever counts makes its counters once, at its start, and adds to them without a lock from then
// on. What has no family here, or other labels, is counted by nobody: a library that brings its own
// metrics cannot make the exposition grow.

/// Counters, levels and histograms of one daemon, by family and labels.
public final class MetricRegistry: MetricsFactory {
    /// Series of one family; more are counted by nobody.
    public static let seriesMax = 4_096

    enum Series: Sendable {
        case count(CountSeries)
        case level(LevelSeries)
        case histogram(HistogramSeries)
    }

    /// In the order of the exposition.
    public let families: [MetricFamily]
    private let byName: [String: MetricFamily]
    /// By family, and then by the values of its labels in order.
    private let series = Mutex<[String: [[String]: Series]]>([:])

    public init(_ families: [MetricFamily]) {
        self.families = families
        byName = Dictionary(families.map { ($0.name, $0) }) { first, _ in first }
    }

    func series(of family: MetricFamily) -> [[String]: Series] {
        series.withLock { $0[family.name] ?? [:] }
    }

    // MARK: Making

    public func makeCounter(label: String, dimensions: [(String, String)]) -> CounterHandler {
        let found = find(label, dimensions) { kind in
            if case .counter = kind { .count(CountSeries()) } else { nil }
        }
        guard case .count(let series)? = found else { return NOOPMetricsHandler.instance }
        return series
    }

    public func makeMeter(label: String, dimensions: [(String, String)]) -> MeterHandler {
        level(label, dimensions) ?? NOOPMetricsHandler.instance
    }

    public func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> RecorderHandler {
        let found: (any RecorderHandler)? =
            aggregate ? histogram(label, dimensions) : level(label, dimensions)
        return found ?? NOOPMetricsHandler.instance
    }

    public func makeTimer(label: String, dimensions: [(String, String)]) -> TimerHandler {
        histogram(label, dimensions) ?? NOOPMetricsHandler.instance
    }

    private func level(_ label: String, _ dimensions: [(String, String)]) -> LevelSeries? {
        let found = find(label, dimensions) { kind in
            if case .gauge = kind { .level(LevelSeries()) } else { nil }
        }
        return if case .level(let series)? = found { series } else { nil }
    }

    private func histogram(_ label: String, _ dimensions: [(String, String)]) -> HistogramSeries? {
        let found = find(label, dimensions) { kind in
            if case .histogram(let buckets) = kind {
                .histogram(HistogramSeries(buckets))
            } else {
                nil
            }
        }
        return if case .histogram(let series)? = found { series } else { nil }
    }

    /// The series of these labels, made where there is none yet.
    private func find(
        _ label: String, _ dimensions: [(String, String)],
        make: (MetricFamily.Kind) -> Series?
    ) -> Series? {
        guard let family = byName[label], let values = Self.values(dimensions, of: family) else {
            return nil
        }
        return series.withLock { series in
            if let known = series[label]?[values] { return known }
            guard series[label, default: [:]].count < Self.seriesMax, let made = make(family.kind)
            else { return nil }
            series[label, default: [:]][values] = made
            return made
        }
    }

    /// - Returns: in the family's order; `nil` where they are not its labels.
    private static func values(
        _ dimensions: [(String, String)], of family: MetricFamily
    ) -> [String]? {
        guard dimensions.count == family.labels.count else { return nil }
        var values: [String] = []
        for label in family.labels {
            guard let found = dimensions.first(where: { $0.0 == label }) else { return nil }
            values.append(found.1)
        }
        return values
    }

    // MARK: Forgetting

    public func destroyCounter(_ handler: CounterHandler) { forget(handler) }
    public func destroyMeter(_ handler: MeterHandler) { forget(handler) }
    public func destroyRecorder(_ handler: RecorderHandler) { forget(handler) }
    public func destroyTimer(_ handler: TimerHandler) { forget(handler) }

    private func forget(_ handler: AnyObject) {
        series.withLock { series in
            series = series.mapValues { $0.filter { $0.value.object !== handler } }
        }
    }
}

extension MetricRegistry.Series {
    fileprivate var object: AnyObject {
        switch self {
        case .count(let series): series
        case .level(let series): series
        case .histogram(let series): series
        }
    }
}
