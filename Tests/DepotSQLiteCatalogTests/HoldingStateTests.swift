import DepotCore
import Testing

@testable import DepotSQLiteCatalog

/// Statements name states, and catalogs keep numbers: one that was made yesterday is read today.
@Suite struct HoldingStateTests {
    @Test(arguments: [
        (HoldingState.unproved, 0), (.good, 1), (.bad, 2), (.released, 3),
    ])
    func `a state stands in statements as the number that files keep`(
        _ state: HoldingState, _ number: Int
    ) async throws {
        #expect("state = \(state: state)" == "state = \(number)")
        let catalog = try await SQLiteCatalog.temporary()
        let read = try await catalog.queue.view { session in
            try session.statement("SELECT \(state: state), ?").first(state) {
                try [$0.get(0, as: HoldingState.self), $0.get(1, as: HoldingState.self)]
            }
        }
        #expect(read == [state, state])
        try catalog.close()
    }

    @Test func `each state has a number of its own`() {
        #expect(Set(HoldingState.allCases.map(\.number)).count == HoldingState.allCases.count)
    }
}
