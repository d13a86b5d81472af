import DepotCore
import DepotMetrics
import DepotWire

// Numbers bound the content that all requests together hold in memory. Nobody waits for memory
// while holding some of the same budget, but for loans that said beforehand how far they grow: all
// could wait for each other for ever. Requests' bodies, deposits, retrievals and the FileServer's
// own work have a budget each, so that slow readers keep nobody from depositing, and what a deposit
// sets off, such as copying at its barrier, does not wait for other deposits. A request that takes
// from several takes from them in this order.

/// Bytes of content that may be in memory at once.
package struct MemoryBudget: Sendable {
    /// Whoever waits longer is told to come again: its connection and its client's patience are
    /// worth more.
    package static let patience = Duration.seconds(30)

    private let budget: ByteBudget

    package init(size: Int) { budget = ByteBudget(size: size) }

    /// A budget of which a quarter stays for the others, however much one client wants.
    package init(sharedByClients size: Int) {
        budget = ByteBudget(size: size, shareMax: size - size / 4)
    }

    /// Tells how much of it is lent.
    package func collect(into samples: inout CollectedSamples, as name: BudgetName) {
        let label = LabelValue(name)
        samples.set(.budgetBytes, label, to: budget.size)
        samples.set(.budgetUsedBytes, label, to: budget.size - budget.free)
        samples.set(.budgetWaiting, label, to: budget.waiting)
    }

    /// Whether somebody waits for what this borrower could give back.
    package func isWanted(from borrower: Borrower) -> Bool { budget.isWanted(from: borrower) }

    /// Waits until so many bytes are free. More than one client's share count as the share.
    ///
    /// - Throws: `busy`.
    package func reserve(
        _ bytes: Int, for borrower: Borrower = .own, within patience: Duration = patience
    ) async throws(DepotError) -> MemoryReservation {
        let bytes = min(bytes, budget.shareMax)
        try await budget.reserve(bytes, for: borrower, within: patience)
        return MemoryReservation(bytes: bytes, of: budget, for: borrower)
    }

    /// Does not wait.
    package func tryReserve(_ bytes: Int, for borrower: Borrower = .own) -> MemoryReservation? {
        let bytes = min(bytes, budget.shareMax)
        guard budget.tryReserve(bytes, for: borrower) else { return nil }
        return MemoryReservation(bytes: bytes, of: budget, for: borrower)
    }

    /// A loan that has nothing yet.
    package func loan(upTo claim: Int, for borrower: Borrower) -> MemoryLoan {
        MemoryLoan(of: budget, upTo: min(claim, budget.shareMax), for: borrower)
    }
}

/// Bytes that are taken from the budget until nobody refers to this any more.
package final class MemoryReservation: Sendable {
    private let bytes: Int
    private let budget: ByteBudget
    private let borrower: Borrower

    fileprivate init(bytes: Int, of budget: ByteBudget, for borrower: Borrower) {
        self.bytes = bytes
        self.budget = budget
        self.borrower = borrower
    }

    deinit { budget.release(bytes, from: borrower) }
}
