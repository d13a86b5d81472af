/// Values that are read when somebody asks for them, such as how a replica is: they are nobody's to
/// keep up to date, and what is gone leaves nothing behind.
public struct CollectedSamples: Sendable {
    private var values: [String: [[String]: Double]] = [:]

    public init() {}

    /// Of two values for the same labels the later one stays.
    ///
    /// - Parameter labels: in the family's order.
    /// - Precondition: there are as many as the family has, and it is no histogram.
    public mutating func set(_ family: MetricFamily, _ labels: LabelValue..., to value: Double) {
        precondition(labels.count == family.labels.count, "\(family.name) has other labels")
        values[family.name, default: [:]][labels.map(\.text)] = value
    }

    public mutating func set(
        _ family: MetricFamily, _ labels: LabelValue..., to value: some BinaryInteger
    ) {
        precondition(labels.count == family.labels.count, "\(family.name) has other labels")
        values[family.name, default: [:]][labels.map(\.text)] = Double(value)
    }

    public mutating func set(_ family: MetricFamily, _ labels: LabelValue..., to value: Bool) {
        precondition(labels.count == family.labels.count, "\(family.name) has other labels")
        values[family.name, default: [:]][labels.map(\.text)] = value ? 1 : 0
    }

    func values(of family: MetricFamily) -> [[String]: Double] { values[family.name] ?? [:] }
}
