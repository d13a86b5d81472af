import CoreMetrics
import Synchronization

/// A number that only grows. It stays at the highest there is rather than begin anew.
final class CountSeries: CounterHandler {
    private let count = Atomic<UInt64>(0)

    var value: UInt64 { count.load(ordering: .relaxed) }

    func increment(by amount: Int64) {
        guard amount > 0 else { return }
        count.addSaturating(UInt64(amount))
    }

    func reset() { count.store(0, ordering: .relaxed) }
}

extension Atomic<UInt64> {
    /// Adds, and stays at the highest number where the sum is above it.
    func addSaturating(_ amount: UInt64) {
        var known = load(ordering: .relaxed)
        while true {
            let (sum, isOver) = known.addingReportingOverflow(amount)
            let (isDone, found) = weakCompareExchange(
                expected: known, desired: isOver ? .max : sum, ordering: .relaxed)
            if isDone { return }
            known = found
        }
    }
}
