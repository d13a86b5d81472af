import Foundation

/// One axis of a panel.
struct Axis: Encodable {
    enum Scale: String, Encodable {
        /// From zero.
        case linear
        case decades
        case doublings
    }

    let label: String
    let scale: Scale

    init(_ label: String, _ scale: Scale) {
        self.label = label
        self.scale = scale
    }

    /// An axis that shows certain values.
    struct Range {
        let low: Double
        let high: Double
        /// With their labels; those without one get none.
        let ticks: [(value: Double, label: String)]
        private let isLogarithmic: Bool

        /// Where a value is: 0 at the low end, 1 at the high one.
        func place(of value: Double) -> Double {
            guard isLogarithmic else { return (value - low) / (high - low) }
            return log(max(value, low) / low) / log(high / low)
        }

        init(of axis: Axis, showing values: [Double]) {
            let most = values.max() ?? 1
            let least = values.filter { $0 > 0 }.min() ?? 1
            isLogarithmic = axis.scale != .linear
            switch axis.scale {
            case .linear:
                let step = Self.step(for: most)
                (low, high) = (0, max(step, (most / step).rounded(.up) * step))
                ticks = stride(from: 0, through: high + step / 2, by: step).map {
                    ($0, Self.label($0))
                }
            case .doublings:
                (low, high) = (least, max(most, 2 * least))
                ticks = Self.doublings(from: low, to: high).map { ($0, Self.label($0)) }
            case .decades:
                let steps = Self.roundSteps(around: least, most)
                (low, high) = (steps[0], steps[steps.count - 1])
                let isLong = high / low > 200
                ticks = steps.map { step in
                    let isDecade = abs(log10(step) - log10(step).rounded()) < 1e-9
                    return (step, isLong && !isDecade ? "" : Self.label(step))
                }
            }
        }

        /// 1, 2 and 5 times the powers of ten, from the last one below `least` to the first one above `most`.
        private static func roundSteps(around least: Double, _ most: Double) -> [Double] {
            let decades = Int(log10(least).rounded(.down))...Int(log10(most).rounded(.up))
            let all = decades.flatMap { power in [1, 2, 5].map { $0 * pow(10, Double(power)) } }
            let first = all.lastIndex { $0 <= least * 1.000_001 } ?? 0
            let last = all.firstIndex { $0 >= most * 0.999_999 } ?? all.count - 1
            return Array(all[first...max(last, min(first + 1, all.count - 1))])
        }

        private static func doublings(from low: Double, to high: Double) -> [Double] {
            var steps = [low]
            while let last = steps.last, last * 2 <= high * 1.000_001 { steps.append(last * 2) }
            return steps
        }

        /// Between two ticks, so that there are four to eight.
        private static func step(for most: Double) -> Double {
            guard most > 0 else { return 1 }
            let raw = most / 5
            let power = pow(10, log10(raw).rounded(.down))
            return [1, 2, 5, 10].map { $0 * power }.first { $0 >= raw } ?? raw
        }

        private static func label(_ value: Double) -> String {
            switch abs(value) {
            case 1e6...: number(value / 1e6) + "M"
            case 1e4...: number(value / 1e3) + "k"
            default: number(value)
            }
        }

        private static func number(_ value: Double) -> String {
            let text = String(format: "%.4f", value)
            guard text.contains(".") else { return text }
            let short = text.reversed().drop { $0 == "0" }.drop { $0 == "." }
            return String(short.reversed())
        }
    }
}
