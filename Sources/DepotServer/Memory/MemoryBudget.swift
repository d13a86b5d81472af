import DepotCore
import DepotWire

// Numbers bound the content that all requests together hold in memory. Nobody waits for memory while holding
// some of the same budget: all could wait for each other for ever. Deposits, retrievals and the FileServer's own
// work have a budget each, so that slow readers keep nobody from depositing, and what a deposit sets off, such as
// copying at its barrier, does not wait for other deposits.

/// Bytes of content that may be in memory at once.
struct MemoryBudget: Sendable {
    /// Whoever waits longer is told to come again: its connection and its client's patience are worth more.
    static let patience = Duration.seconds(30)

    private let budget: ByteBudget

    init(size: Int) { budget = ByteBudget(size: size) }

    /// Waits until so many bytes are free. More than there are at all count as all.
    ///
    /// - Throws: `busy`.
    func reserve(
        _ bytes: Int, within patience: Duration = patience
    ) async throws(DepotError) -> MemoryReservation {
        let bytes = min(bytes, budget.size)
        try await budget.reserve(bytes, within: patience)
        return MemoryReservation(bytes: bytes, of: budget)
    }

    /// Does not wait.
    func tryReserve(_ bytes: Int) -> MemoryReservation? {
        let bytes = min(bytes, budget.size)
        return budget.tryReserve(bytes) ? MemoryReservation(bytes: bytes, of: budget) : nil
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
