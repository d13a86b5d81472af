/// Whom memory is lent to: a client, by its token and address, or the process itself. Behind a proxy
/// all clients have one address; on one machine several may have one token.
public struct Borrower: Sendable, Hashable {
    /// The process's own work.
    public static let own = Borrower(token: "", address: "")

    private let token: String
    public let address: String

    /// - Parameter token: its name.
    public init(token: String, address: String) {
        self.token = token
        self.address = address
    }
}
