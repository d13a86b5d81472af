import DepotCore
import DepotSQLite

extension HoldingState: SQLValue {
    /// What stands for it in the file.
    var number: Int {
        switch self {
        case .unproved: 0
        case .good: 1
        case .bad: 2
        case .released: 3
        }
    }

    package func bind(to handle: OpaquePointer, at index: Int32) -> Int32 {
        number.bind(to: handle, at: index)
    }

    package static func read(_ handle: OpaquePointer, _ column: Int32) -> HoldingState? {
        let number = Int.read(handle, column)
        return allCases.first { $0.number == number }
    }
}

extension DefaultStringInterpolation {
    /// Names a state in the text of a statement: a literal there, so that SQLite plans with it.
    mutating func appendInterpolation(state: HoldingState) {
        appendInterpolation(state.number)
    }
}
