/// Warnings of many files. The first of a kind is told when it comes, the others are counted: there
/// may be as many as files.
struct CountedWarnings<Warning: Hashable & CustomStringConvertible & Sendable>: Sendable {
    private var counts: [Warning: Int] = [:]

    /// - Returns: whether it is the first of its kind.
    mutating func add(_ warning: Warning) -> Bool {
        counts[warning, default: 0] += 1
        return counts[warning] == 1
    }

    /// One line for each kind that came more than once.
    func tell() {
        for (warning, count) in counts.sorted(by: { "\($0.key)" < "\($1.key)" }) where count > 1 {
            Output.note("warning: of \(count) in all: \(warning)")
        }
    }
}
