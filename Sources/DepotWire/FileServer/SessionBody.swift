import DepotCore

/// Who is signed in, and what he may.
public struct SessionBody: Sendable, Codable, Hashable {
    /// The token's name.
    public let name: String
    public let scope: AccessScope
    /// Names that it reaches, each with everything below; absent: everything.
    public let prefixes: [FileName]?
    /// How long the session goes on; absent where a token was shown instead.
    public let secondsLeft: Seconds?

    public init(name: String, scope: AccessScope, prefixes: [FileName]?, left: Duration?) {
        self.name = name
        self.scope = scope
        self.prefixes = prefixes
        secondsLeft = left.map { Seconds(wrappedValue: Int(clamping: $0.components.seconds)) }
    }
}
