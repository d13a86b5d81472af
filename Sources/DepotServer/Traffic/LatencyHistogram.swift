/// How long requests took, in steps of half a power of two. Pure, and of a fixed size.
struct LatencyHistogram: Sendable {
    /// The upper bound of the first step, in milliseconds.
    private static let first = 0.25
    private static let steps = 40

    private var counts = [UInt32](repeating: 0, count: steps)

    mutating func note(_ duration: Duration) {
        let milliseconds = duration / .milliseconds(1)
        var (bound, step) = (Self.first, 0)
        while milliseconds > bound, step < Self.steps - 1 {
            step += 1
            bound = Self.bound(of: step)
        }
        counts[step] = counts[step] == .max ? .max : counts[step] + 1
    }

    /// The milliseconds that this share of the requests took at most, up to the step's width; `nil`
    /// where there were none.
    func quantile(_ share: Double) -> Double? {
        let total = counts.reduce(0) { $0 + UInt64($1) }
        guard total > 0 else { return nil }
        let wanted = share * Double(total)
        var found: UInt64 = 0
        for (step, count) in counts.enumerated() {
            found += UInt64(count)
            if Double(found) >= wanted, count > 0 { return Self.bound(of: step) }
        }
        return Self.bound(of: Self.steps - 1)
    }

    private static func bound(of step: Int) -> Double {
        let power = Double(1 << UInt64(step / 2))
        return first * power * (step % 2 == 0 ? 1 : 1.5)
    }
}
