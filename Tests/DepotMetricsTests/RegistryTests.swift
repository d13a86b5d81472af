import CoreMetrics
import Testing

@testable import DepotMetrics

@Suite struct RegistryTests {
    static let counts = MetricFamily("test_counts_total", .counter, by: ["state"], "Counts.")
    static let plain = MetricFamily("test_plain_total", .counter, "Counts.")
    static let level = MetricFamily("test_level", .gauge, "A level.")
    static let time = MetricFamily(
        "test_duration_seconds", .histogram(HistogramBuckets([0.1, 1, 10])), "Times.")
    static let families = [counts, plain, level, time]

    enum State: CaseIterable, Sendable {
        case up, down
    }

    private let registry = MetricRegistry(families)

    private var lines: [String] {
        registry.exposition(with: CollectedSamples()).split(separator: "\n").map(String.init)
    }

    @Test func `counters of the same labels are one`() {
        for _ in 0..<3 { Self.counts.counter(LabelValue(State.up), from: registry).increment() }
        Self.counts.counter(LabelValue(State.down), from: registry).increment(by: 5)
        #expect(
            lines == [
                "# HELP test_counts_total Counts.", "# TYPE test_counts_total counter",
                "test_counts_total{state=\"down\"} 5", "test_counts_total{state=\"up\"} 3",
            ])
    }

    @Test func `a counter never goes back, and stays at the highest number`() {
        let counter = Self.plain.counter(from: registry)
        counter.increment(by: -7)
        #expect(lines.last == "test_plain_total 0")
        for _ in 0..<3 { counter.add(UInt64.max) }
        #expect(lines.last == "test_plain_total \(UInt64.max)")
        counter.increment()
        #expect(lines.last == "test_plain_total \(UInt64.max)")
    }

    @Test func `levels go up and down`() {
        let meter = Meter(label: Self.level.name, dimensions: [], factory: registry)
        meter.set(5)
        meter.increment(by: 2.5)
        meter.decrement(by: 1)
        #expect(lines.last == "test_level 6.5")
        Gauge(label: Self.level.name, dimensions: [], factory: registry).record(-3)
        #expect(lines.last == "test_level -3")
        for (number, text) in [
            (Double.nan, "NaN"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (1e300, "1e+300"),
            (Double(UInt64.max), "1.8446744073709552e+19"), (0.25, "0.25"), (1e-5, "1e-05"),
        ] {
            meter.set(number)
            #expect(lines.last == "test_level \(text)")
        }
    }

    @Test func `a histogram adds up to each bound, and ends with all`() {
        let timer = Self.time.timer(from: registry)
        for milliseconds in [1, 100, 101, 5_000, 60_000] {
            timer.record(.milliseconds(milliseconds))
        }
        #expect(
            lines.dropFirst(2) == [
                "test_duration_seconds_bucket{le=\"0.1\"} 2",
                "test_duration_seconds_bucket{le=\"1\"} 3",
                "test_duration_seconds_bucket{le=\"10\"} 4",
                "test_duration_seconds_bucket{le=\"+Inf\"} 5",
                "test_duration_seconds_sum 65.202", "test_duration_seconds_count 5",
            ])
    }

    @Test func `no number makes a histogram useless, or ends the process`() {
        let recorder = Recorder(
            label: Self.time.name, dimensions: [], aggregate: true, factory: registry)
        let timer = Self.time.timer(from: registry)
        recorder.record(Double.nan)
        timer.record(.seconds(Int64.max))
        timer.record(.seconds(Int64.min))
        timer.record(Duration(secondsComponent: -1, attosecondsComponent: -1))
        #expect(lines.contains("test_duration_seconds_count 3"))
        #expect(lines.contains("test_duration_seconds_bucket{le=\"0.1\"} 2"))
        #expect(!lines.contains { $0.contains("NaN") })
    }

    @Test func `what has no family, other labels or another kind is counted by nobody`() {
        for (name, dimensions) in [
            ("unknown_total", []), (Self.plain.name, [("file", "a")]), (Self.counts.name, []),
            (Self.counts.name, [("name", "a")]),
            (Self.counts.name, [("state", "a"), ("name", "b")]),
            (Self.level.name, []), (Self.time.name, []),
        ] as [(String, [(String, String)])] {
            Counter(label: name, dimensions: dimensions, factory: registry).increment()
        }
        Meter(label: Self.plain.name, dimensions: [], factory: registry).set(1)
        Gauge(label: Self.time.name, dimensions: [], factory: registry).record(1)
        Timer(label: Self.level.name, dimensions: [], factory: registry).recordSeconds(1)
        #expect(lines == [])
    }

    @Test func `a family has no more series than its bound`() {
        for number in 0..<MetricRegistry.seriesMax + 10 {
            Counter(
                label: Self.counts.name, dimensions: [("state", "\(number)")], factory: registry
            ).increment()
        }
        #expect(lines.count == MetricRegistry.seriesMax + 2)
    }

    @Test func `what is destroyed is told no more`() {
        let counter = Self.plain.counter(from: registry)
        counter.increment()
        #expect(!lines.isEmpty)
        counter.destroy()
        #expect(lines.isEmpty)
        #expect(Self.plain.counter(from: registry) !== counter)
    }

    @Test func `nothing is lost where many count at once, and no bucket is above the count`()
        async
    {
        let counter = Self.plain.counter(from: registry)
        let timer = Self.time.timer(from: registry)
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for number in 0..<2_000 {
                        counter.increment()
                        timer.record(.milliseconds((task + number) % 3 * 500))
                        Self.counts.counter(LabelValue(State.up), from: registry).increment()
                    }
                }
            }
            group.addTask {
                for _ in 0..<50 {
                    let lines = lines.filter { $0.hasPrefix(Self.time.name) }
                    let all = lines.first { $0.contains("+Inf") }?.split(separator: " ").last
                    let count = lines.last?.split(separator: " ").last
                    #expect(all == count)
                }
            }
        }
        #expect(lines.contains("test_plain_total 16000"))
        #expect(lines.contains("test_counts_total{state=\"up\"} 16000"))
        #expect(lines.contains("test_duration_seconds_count 16000"))
    }

    @Test(arguments: [
        (-1, 0), (0, 0), (200, 0), (301, 1), (404, 2), (499, 2), (500, 3), (599, 3), (1_000, 3),
    ]) func `statuses are told by their class`(status: Int, place: Int) {
        #expect(StatusClass(status) == StatusClass.allCases[place])
        #expect(StatusClass.allCases.map(\.description) == ["2xx", "3xx", "4xx", "5xx"])
    }
}
