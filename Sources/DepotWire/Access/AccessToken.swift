import DepotCore

/// The secret that lets a caller in. Printable ASCII without spaces, at least 16 characters.
public struct AccessToken: Sendable {
    public static let lengthMin = 16

    let text: String

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

    /// Whether the value of an `Authorization` header carries this token. The scheme may be in any
    /// case, and spaces may follow it (RFC 9110, 11.1 and 11.4). Takes the same time for every
    /// wrong token.
    public func admits(_ authorization: String?) -> Bool {
        equalInConstantTime(authorization.flatMap(Self.credentials) ?? "", text)
    }

    /// What is behind `Bearer` and its spaces.
    static func credentials(_ authorization: String) -> String? {
        let scheme = authorization.utf8.prefix(6)
        guard scheme.elementsEqual("bearer".utf8, by: { $0 | 0x20 == $1 }) else { return nil }
        let rest = authorization.utf8.dropFirst(6)
        let token = rest.drop { $0 == UInt8(ascii: " ") }
        guard token.count < rest.count else { return nil }
        return String(Substring(token))
    }
}
