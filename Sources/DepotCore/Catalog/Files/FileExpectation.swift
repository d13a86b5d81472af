/// The state of a name that a change requires. Judged in the transaction that makes the change: a
/// look before it tells only how the name was.
public enum FileExpectation: Sendable, Hashable {
    case anything
    /// No file has the name.
    case absence
    /// It is still this version.
    case version(CommitSequence)

    /// - Parameter sequence: of the file; `nil` where there is none.
    public func holds(for sequence: CommitSequence?) -> Bool {
        switch self {
        case .anything: true
        case .absence: sequence == nil
        case .version(let expected): sequence == expected
        }
    }
}
