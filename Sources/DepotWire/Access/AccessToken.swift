import DepotCore

/// The secret that lets a caller in. Printable ASCII without spaces, at least 16 characters.
public struct AccessToken: Sendable {
    public static let lengthMin = 16

    private let text: String

    /// - Throws: `invalidArgument` for a token that is too short or could not travel in a header.
    public init(_ text: String) throws(DepotError) {
        guard text.utf8.count >= Self.lengthMin,
            text.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw DepotError(
                .invalidArgument,
                "a token has at least \(Self.lengthMin) printable ASCII characters and no spaces")
        }
        self.text = text
    }

    /// The value of the `Authorization` header.
    public var bearer: String { "Bearer \(text)" }

    /// Whether the value of an `Authorization` header carries this token. Takes the same time for every wrong one.
    public func admits(_ authorization: String?) -> Bool {
        equalInConstantTime(authorization ?? "", bearer)
    }
}
