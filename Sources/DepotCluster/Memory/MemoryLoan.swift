import DepotCore
import DepotWire
import Synchronization

// A body of 8 MiB that comes slowly needs little memory for long; had it all that it declared, five
// of them would have everything. So memory is lent in steps, each before its bytes are read, and
// none before the first ones came.

/// Memory for what a request takes in: it grows while bytes come, and goes when nobody refers to it
/// any more.
package final class MemoryLoan: Sendable {
    /// Lent at once.
    package static let step = 512 << 10
    /// As much as comes from a connection at once.
    package static let partMax = 128 << 10
    /// So few bytes are part of what a connection costs.
    package static let unasked = 64 << 10

    private struct State {
        /// Begins with the first step.
        var loan: UInt64?
        var held = 0
        var used = 0
    }

    private let budget: ByteBudget
    private let borrower: Borrower
    private let claim: Int
    private let state = Mutex(State())

    package init(of budget: ByteBudget, upTo claim: Int, for borrower: Borrower) {
        self.budget = budget
        self.borrower = borrower
        self.claim = claim
    }

    deinit {
        if let loan = state.withLock({ $0.loan }) { budget.closeLoan(loan) }
    }

    /// Whether others wait for memory that it could give back.
    package var isWanted: Bool { budget.isWanted(from: borrower) }

    /// Makes room for what comes next without waiting; beyond what was claimed, too, where nobody
    /// else waits.
    package func tryPrepare(_ bytes: Int) -> Bool {
        let lacking = lacking(bytes)
        guard lacking > 0 else { return true }
        guard budget.tryGrow(opened(), by: lacking, for: borrower) else { return false }
        state.withLock { $0.held += lacking }
        return true
    }

    /// Waits for room for what comes next. Beyond the claim nothing is lent: what comes all the
    /// same, such as the frames around a batch, is bounded by who takes it.
    ///
    /// - Throws: `busy`.
    package func prepare(_ bytes: Int) async throws(DepotError) {
        let lacking = min(lacking(bytes), claim - state.withLock { $0.held })
        guard lacking > 0 else { return }
        try await budget.grow(
            opened(), by: lacking, for: borrower, within: MemoryBudget.patience)
        state.withLock { $0.held += lacking }
    }

    /// What has to be lent before so many bytes more are there; 0 where there is room.
    private func lacking(_ bytes: Int) -> Int {
        state.withLock { state in
            let needed = state.used + bytes
            guard state.used > 0, needed > max(state.held, Self.unasked) else { return 0 }
            return max(Self.step, needed - state.held)
        }
    }

    private func opened() -> UInt64 {
        state.withLock { state in
            let loan = state.loan ?? budget.openLoan(upTo: claim, for: borrower)
            state.loan = loan
            return loan
        }
    }

    /// So many bytes came.
    package func use(_ bytes: Int) { state.withLock { $0.used += bytes } }

    /// So many of them are gone: what is not needed for the rest is given back.
    package func giveBack(_ bytes: Int) {
        let (loan, surplus) = state.withLock { state in
            state.used = max(0, state.used - bytes)
            let surplus = max(0, state.held - state.used - Self.step)
            state.held -= surplus
            return (state.loan, surplus)
        }
        if let loan, surplus > 0 { budget.shrink(loan, by: surplus) }
    }
}
