import DepotCore
import DepotWire

/// Lets one task at a time do something that takes time; the others wait in the order in which they
/// came.
package struct Turn: Sendable {
    private let budget = ByteBudget(size: 1)

    package init() {}

    /// Waits for the turn, then has it until the body returns.
    ///
    /// - Parameter work: what the body does, for the error: `a collection`.
    /// - Throws: `busy` where the turn did not come within the patience; what the body throws.
    package func take<Value>(
        for work: String, within patience: Duration,
        _ body: () async throws(DepotError) -> Value
    ) async throws(DepotError) -> Value {
        do throws(DepotError) {
            try await budget.reserve(1, for: .own, within: patience)
        } catch {
            throw DepotError(
                .busy, "\(work) waited \(patience) for another one in vain; try again later")
        }
        defer { budget.release(1, from: .own) }
        return try await body()
    }

    /// Has the turn until the body returns, where no other task has it now.
    ///
    /// - Returns: `nil` where another task has it.
    package func takeIfFree<Value>(
        _ body: () async throws(DepotError) -> Value
    ) async throws(DepotError) -> Value? {
        guard budget.tryReserve(1, for: .own) else { return nil }
        defer { budget.release(1, from: .own) }
        return try await body()
    }
}
