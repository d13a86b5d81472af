import CoreMetrics
import Synchronization

/// A number that goes up and down.
final class LevelSeries: MeterHandler, RecorderHandler {
    /// The bits of a floating-point number.
    private let bits = Atomic<UInt64>(0)

    var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }

    func record(_ value: Int64) { set(value) }
    func record(_ value: Double) { set(value) }

    func increment(by amount: Double) { change { $0 + amount } }
    func decrement(by amount: Double) { change { $0 - amount } }

    private func change(_ next: (Double) -> Double) {
        var known = bits.load(ordering: .relaxed)
        while true {
            let (isDone, found) = bits.weakCompareExchange(
                expected: known, desired: next(Double(bitPattern: known)).bitPattern,
                ordering: .relaxed)
            if isDone { return }
            known = found
        }
    }
}
