import CoreMetrics
import Synchronization

/// How often values fell between which bounds. Each value is counted in one place; what an
/// exposition says, which adds up to each bound, is made of that when somebody asks.
final class HistogramSeries: RecorderHandler, TimerHandler {
    /// One counter; an array cannot have atomics themselves.
    private final class Cell: Sendable {
        let count = Atomic<UInt64>(0)
    }

    private let bounds: [Double]
    /// One for each bound, and one for what is above all.
    private let cells: [Cell]
    /// The bits of a floating-point number.
    private let sum = Atomic<UInt64>(0)

    init(_ buckets: HistogramBuckets) {
        bounds = buckets.bounds
        cells = (0...bounds.count).map { _ in Cell() }
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
    func record(_ value: Int64) { record(Double(value)) }

    /// What is no number is not counted: it would make the sum one.
    func record(_ value: Double) {
        guard !value.isNaN else { return }
        cells[place(of: value)].count.addSaturating(1)
        var known = sum.load(ordering: .relaxed)
        while true {
            let next = (Double(bitPattern: known) + value).bitPattern
            let (isDone, found) = sum.weakCompareExchange(
                expected: known, desired: next, ordering: .relaxed)
            if isDone { return }
            known = found
        }
    }

    /// There are few bounds, and most values are small.
    private func place(of value: Double) -> Int {
        bounds.firstIndex { value <= $0 } ?? bounds.count
    }

    struct Reading: Sendable {
        /// Up to each bound.
        let upTo: [(bound: Double, count: UInt64)]
        /// Of all.
        let count: UInt64
        let sum: Double
    }

    /// The count of all is that of the last bucket, whoever counts meanwhile.
    var reading: Reading {
        var total: UInt64 = 0
        var upTo: [(bound: Double, count: UInt64)] = []
        for (cell, bound) in zip(cells, bounds + [.infinity]) {
            let (next, isOver) = total.addingReportingOverflow(
                cell.count.load(ordering: .relaxed))
            total = isOver ? .max : next
            upTo.append((bound, total))
        }
        return Reading(
            upTo: upTo, count: total, sum: Double(bitPattern: sum.load(ordering: .relaxed)))
    }
}
