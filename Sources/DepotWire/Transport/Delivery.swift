import Synchronization

// A request that failed may have been carried out: its answer was lost, or did not come in time. Or
// nobody can have heard of it: no connection was made, or it was answered that it has to wait.
// Whoever sends it again has to know which, where the second time is not like the first: what was
// deleted is not found.

/// Counts how often a request went to somebody who may have carried it out.
public final class Delivery: Sendable {
    private let count = Atomic(0)

    public init() {}

    /// Whether a try before the last one may have been carried out.
    public var mayBeRepeated: Bool { count.load(ordering: .relaxed) > 1 }

    /// From now on what was sent may arrive.
    func begin() { count.add(1, ordering: .relaxed) }

    /// The other side said that it did nothing.
    func wasRefused() { count.subtract(1, ordering: .relaxed) }
}
