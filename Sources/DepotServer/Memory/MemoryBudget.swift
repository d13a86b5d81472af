import DepotCore
import DepotWire

// One number bounds the content that all requests together hold in memory. A request reserves all that it may
// come to hold once, before it holds anything: requests that asked for more while they hold some could wait for
// each other for ever.

/// Bytes of content that may be in memory at once.
struct MemoryBudget: Sendable {
    /// Whoever waits longer is told to come again: its connection and its client's patience are worth more.
    private static let patience = Duration.seconds(30)

    private let budget: ByteBudget

    init(size: Int) { budget = ByteBudget(size: size) }

    /// Waits until so many bytes are free. More than there are at all count as all.
    ///
    /// - Throws: `busy`.
    func reserve(_ bytes: Int) async throws(DepotError) -> MemoryReservation {
        let bytes = min(bytes, budget.size)
        try await budget.reserve(bytes, within: Self.patience)
        return MemoryReservation(bytes: bytes, of: budget)
    }
}

/// Bytes that are taken from the budget until nobody refers to this any more.
final class MemoryReservation: Sendable {
    private let bytes: Int
    private let budget: ByteBudget

    fileprivate init(bytes: Int, of budget: ByteBudget) {
        self.bytes = bytes
        self.budget = budget
    }

    deinit { budget.release(bytes) }
}
