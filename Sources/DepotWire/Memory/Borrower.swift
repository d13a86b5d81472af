/// Whom memory is lent to: a client, by its address, or the process itself.
public struct Borrower: Sendable, Hashable {
    /// The process's own work.
    public static let own = Borrower("")

    /// For a client, its address.
    public let key: String

    public init(_ key: String) { self.key = key }
}
