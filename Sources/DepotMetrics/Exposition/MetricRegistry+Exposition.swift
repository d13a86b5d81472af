extension MetricRegistry {
    /// How an answer with it is labelled.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// All that is known, as the text format of Prometheus has it: families in their order, series
    /// in the order of their labels. A family without series is left out.
    ///
    /// - Parameter collected: goes before what was counted under the same labels.
    public func exposition(with collected: CollectedSamples) -> String {
        var text = ExpositionText(capacity: 64 << 10)
        for family in families {
            let counted = series(of: family)
            let collected = collected.values(of: family)
            let labels = Set(counted.keys).union(collected.keys)
            guard !labels.isEmpty else { continue }
            text.begin(family)
            for values in labels.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
                if let value = collected[values] {
                    text.sample(family, values, ExpositionText.number(value))
                } else if let series = counted[values] {
                    text.add(series, of: family, values)
                }
            }
        }
        return text.text
    }
}

extension ExpositionText {
    fileprivate mutating func add(
        _ series: MetricRegistry.Series, of family: MetricFamily, _ values: [String]
    ) {
        switch series {
        case .count(let series): sample(family, values, String(series.value))
        case .level(let series): sample(family, values, Self.number(series.value))
        case .histogram(let series):
            let reading = series.reading
            for (bound, count) in reading.upTo {
                sample(
                    family, suffix: "_bucket", values, bound: Self.number(bound), String(count))
            }
            sample(family, suffix: "_sum", values, Self.number(reading.sum))
            sample(family, suffix: "_count", values, String(reading.count))
        }
    }
}
