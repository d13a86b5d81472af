import CoreMetrics

// Labels are given as `LabelValue`, in the family's order, and so are known to be bounded.

extension MetricFamily {
    /// - Precondition: there are as many values as labels.
    public func counter(_ values: LabelValue..., from factory: any MetricsFactory) -> Counter {
        Counter(label: name, dimensions: dimensions(values), factory: factory)
    }

    /// - Precondition: as for `counter`.
    public func timer(_ values: LabelValue..., from factory: any MetricsFactory)
        -> CoreMetrics
        .Timer
    {
        Timer(label: name, dimensions: dimensions(values), factory: factory)
    }

    private func dimensions(_ values: [LabelValue]) -> [(String, String)] {
        precondition(values.count == labels.count, "\(name) has other labels")
        return zip(labels, values).map { ($0, $1.text) }
    }
}

extension Counter {
    /// Adds as much as it can hold.
    public func add(_ amount: some BinaryInteger) { increment(by: Int64(clamping: amount)) }
}

extension CoreMetrics.Timer {
    /// Counts as much as it can hold.
    public func record(_ duration: Duration) {
        let parts = duration.components
        let (whole, isOver) = parts.seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !isOver else { return recordNanoseconds(parts.seconds < 0 ? Int64.min : .max) }
        recordNanoseconds(whole &+ parts.attoseconds / 1_000_000_000)
    }
}
