/// Everything of one name in the exposition: what it counts or measures, and by what.
///
/// All of them are listed in `Families`: alarms, dashboard and document name those and no others.
public struct MetricFamily: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        /// Only grows, and begins at 0 with the process.
        case counter
        /// Goes up and down.
        case gauge
        /// How often something took how long, or was how large.
        case histogram(HistogramBuckets)
    }

    /// With its unit, and `_total` where it is a counter.
    public let name: String
    public let kind: Kind
    /// One line for people.
    public let help: String
    /// Names of what its series differ by, in order.
    public let labels: [String]

    init(_ name: String, _ kind: Kind, by labels: [String] = [], _ help: String) {
        self.name = name
        self.kind = kind
        self.help = help
        self.labels = labels
    }
}

/// Up to which values a histogram counts, each bound included; what is above all of them is
/// counted, too.
public struct HistogramBuckets: Sendable, Hashable {
    public let bounds: [Double]

    /// - Precondition: the bounds rise.
    public init(_ bounds: [Double]) {
        precondition(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 }, "bounds rise")
        precondition(bounds.allSatisfy(\.isFinite), "infinity is counted by itself")
        self.bounds = bounds
    }

    /// Seconds of a request: from an answer out of memory to a body over a slow line.
    public static let requests = HistogramBuckets([
        0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60,
    ])
    /// Seconds of a sync: from a cache that survives a power cut to a disk that is failing.
    public static let syncs = HistogramBuckets([
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30,
    ])
}
