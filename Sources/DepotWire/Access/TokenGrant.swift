import DepotCore

/// What people call a token: 1 to 64 letters, digits, `.`, `_` and `-`.
public struct TokenName: Sendable, Hashable, Comparable, Codable {
    public static let lengthMax = 64

    public let text: String

    /// - Throws: `invalidArgument`.
    public init(_ text: String) throws(DepotError) {
        let isName = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard isName, (1...Self.lengthMax).contains(text.utf8.count) else {
            throw DepotError(
                .invalidArgument,
                "a token is called by 1 to \(Self.lengthMax) letters, digits, '.', '_' and '-'",
                object: String(text.prefix(80)))
        }
        self.text = text
    }

    public static func < (left: Self, right: Self) -> Bool { left.text < right.text }

    public init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

/// The SHA-256 of a token, which is all that is kept of it. A token has 256 random bits, so nobody
/// finds it from that.
public struct TokenDigest: Sendable, Hashable, Codable {
    private let hash: ChunkID

    init(of text: some StringProtocol) { hash = ChunkID(hashing: String(text)) }

    /// Of the token in the value of an `Authorization` header; without one, of none.
    public init(showing authorization: String?) {
        self.init(of: authorization.flatMap(AccessToken.credentials) ?? "")
    }

    public init(from decoder: any Decoder) throws {
        hash = try decoder.singleValueContainer().decode(ChunkID.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(hash)
    }

    /// In the same time whatever the two are.
    func equals(_ other: Self) -> Bool { hash.equalsInConstantTime(other.hash) }
}

extension AccessToken {
    public var digest: TokenDigest { TokenDigest(of: text) }
}

/// A token as the FileServer keeps it.
public struct TokenGrant: Sendable, Codable, Hashable {
    /// A token that opens it.
    public struct Key: Sendable, Codable, Hashable {
        public let digest: TokenDigest
        /// Until when, in seconds since 1970; `nil`: as long as the grant.
        public var until: Int64?

        public init(digest: TokenDigest, until: Int64?) {
            self.digest = digest
            self.until = until
        }
    }

    public let name: TokenName
    public let scope: AccessScope
    /// Names that it reaches, each with everything below; empty: everything.
    public let prefixes: [FileName]
    /// Seconds since 1970, as all times.
    public let created: Int64
    public let expires: Int64?
    public private(set) var revoked: Int64?
    /// The last is the newest.
    public private(set) var keys: [Key]
    /// A rotation leaves the token before it for a while, and none before that.
    static let keysMax = 2

    /// - Throws: `invalidArgument` for an administrator's or an observer's with prefixes, for too
    ///   many prefixes, and for one that ends before it begins.
    public init(
        name: TokenName, scope: AccessScope, prefixes: [FileName], created: Int64, expires: Int64?,
        digest: TokenDigest
    ) throws(DepotError) {
        self.name = name
        self.scope = scope
        self.prefixes = prefixes
        self.created = created
        self.expires = expires
        keys = [Key(digest: digest, until: nil)]
        try check()
        guard expires.map({ created < $0 && FileRecord.timeRange.contains($0) }) ?? true else {
            throw DepotError(
                .invalidArgument,
                "a token expires after now, by the FileServer's clock, and before the year 10000",
                object: name.text)
        }
    }

    /// - Throws: `invalidArgument`.
    func check() throws(DepotError) {
        if scope == .admin, !prefixes.isEmpty {
            throw DepotError(
                .invalidArgument, "an administrator's token reaches everything; give no prefixes",
                object: name.text)
        }
        if scope == .observe, !prefixes.isEmpty {
            throw DepotError(
                .invalidArgument,
                "a token that observes watches the whole depot, and no names; give no prefixes",
                object: name.text)
        }
        _ = try reach
    }

    var reach: NameReach {
        get throws(DepotError) {
            prefixes.isEmpty ? .everything : try NameReach(below: prefixes)
        }
    }

    /// Has another token open it.
    ///
    /// - Parameter until: the last moment of the tokens before.
    public mutating func rotate(to digest: TokenDigest, keepingOthers until: Int64) {
        for index in keys.indices { keys[index].until = min(keys[index].until ?? until, until) }
        keys = keys.suffix(Self.keysMax - 1) + [Key(digest: digest, until: nil)]
    }

    public mutating func revoke(at time: Int64) { revoked = revoked ?? time }

    public func isLive(at time: Int64) -> Bool {
        revoked == nil && (expires.map { time < $0 } ?? true)
    }
}
