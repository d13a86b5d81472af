import DepotCore

/// Asks for a token. Whoever asks makes it, and tells its digest: the token itself is seen by
/// nobody else.
public struct NewTokenBody: Sendable, Codable {
    public let name: TokenName
    public let scope: AccessScope
    /// Names that it reaches, each with everything below; empty: everything.
    public let prefixes: [FileName]
    /// Seconds since 1970; `nil`: never.
    public let expires: Int64?
    public let digest: TokenDigest

    public init(
        name: TokenName, scope: AccessScope, prefixes: [FileName], expires: Int64?,
        digest: TokenDigest
    ) {
        self.name = name
        self.scope = scope
        self.prefixes = prefixes
        self.expires = expires
        self.digest = digest
    }
}

/// Puts another token in the place of one.
public struct RotationBody: Sendable, Codable {
    public let digest: TokenDigest
    /// So long the one before stays good.
    @Seconds public private(set) var overlapSeconds: Int

    public init(digest: TokenDigest, overlapSeconds: Int) {
        self.digest = digest
        self.overlapSeconds = overlapSeconds
    }
}

/// What is told of a token: nothing that helps to find it.
public struct TokenBody: Sendable, Codable {
    public enum State: String, Sendable, Codable {
        case live, expired, revoked
    }

    public let name: TokenName
    public let scope: AccessScope
    public let prefixes: [FileName]
    /// Seconds since 1970, as all times.
    public let created: Int64
    public let expires: Int64?
    public let revoked: Int64?
    public let state: State

    public init(_ grant: TokenGrant, at now: Int64) {
        name = grant.name
        scope = grant.scope
        prefixes = grant.prefixes
        created = grant.created
        expires = grant.expires
        revoked = grant.revoked
        state = grant.revoked != nil ? .revoked : grant.isLive(at: now) ? .live : .expired
    }
}

public struct TokenListBody: Sendable, Codable {
    /// In order of name.
    public let tokens: [TokenBody]

    public init(_ grants: [TokenGrant], at now: Int64) {
        tokens = grants.map { TokenBody($0, at: now) }.sorted { $0.name < $1.name }
    }
}
