import DepotCore
import Synchronization

/// Who may send requests to a server.
public protocol Doorkeeper: Sendable {
    func judge(_ shown: Credentials) -> Admission
}

/// Whether somebody comes in.
public enum Admission: Sendable, Hashable {
    /// - Parameter token: its name, where tokens have names.
    case admitted(token: String)
    case refused(String)
}

extension AccessToken: Doorkeeper {
    public func judge(_ shown: Credentials) -> Admission {
        admits(shown.authorization)
            ? .admitted(token: "") : .refused("this is not the right token")
    }
}

/// The tokens that a FileServer knows: the administrator's, with which it was started, and those
/// that were made since.
public final class AccessTable: Sendable {
    /// The name of whoever shows the token that the FileServer was started with.
    public static let administrator = "administrator"
    /// Grants that are kept, revoked ones among them.
    public static let grantsMax = 1_000

    private struct Entry: Sendable {
        let digest: TokenDigest
        let until: Int64?
        let grant: TokenGrant
        let caller: Caller
    }

    private let administrator: TokenDigest
    private let time: @Sendable () -> Int64
    private let entries = Mutex<[Entry]>([])

    /// - Parameters:
    ///   - administrator: the token that lets its holder do everything, always.
    ///   - time: seconds since 1970.
    public init(administrator: AccessToken, time: @escaping @Sendable () -> Int64) {
        self.administrator = administrator.digest
        self.time = time
    }

    /// - Throws: `invalidArgument` for grants that cannot be.
    public func replace(with grants: [TokenGrant]) throws(DepotError) {
        var made: [Entry] = []
        for grant in grants {
            try grant.check()
            let caller = Caller(
                name: grant.name.text, scope: grant.scope, reach: try grant.reach)
            for key in grant.keys {
                made.append(
                    Entry(digest: key.digest, until: key.until, grant: grant, caller: caller))
            }
        }
        entries.withLock { $0 = made }
    }

    /// Who shows this; `nil` where the token is none, or not any more.
    public func caller(showing authorization: String?) -> Caller? {
        guard case .caller(let caller) = look(authorization) else { return nil }
        return caller
    }

    /// Who came in with a token, of which the digest is kept; as for the token itself.
    public func look(_ shown: TokenDigest) -> Found {
        let isAdministrator = administrator.equals(shown)
        let found = entries.withLock { entries in
            entries.reduce(Entry?.none) { found, entry in
                entry.digest.equals(shown) ? entry : found
            }
        }
        if isAdministrator {
            return .caller(
                Caller(name: Self.administrator, scope: .admin, reach: .everything))
        }
        guard let found else { return .refused("this is no token of this FileServer") }
        let now = time()
        if found.grant.revoked != nil {
            return .refused("the token '\(found.caller.name)' was revoked")
        }
        guard found.grant.isLive(at: now) else {
            return .refused("the token '\(found.caller.name)' has expired")
        }
        guard found.until.map({ now < $0 }) ?? true else {
            return .refused("the token '\(found.caller.name)' was replaced by another one")
        }
        return .caller(found.caller)
    }

    /// Whose a token is, or why it is nobody's.
    public enum Found: Sendable {
        case caller(Caller)
        case refused(String)
    }

    /// Compares with all tokens, each in the same time.
    public func look(_ authorization: String?) -> Found {
        look(TokenDigest(showing: authorization))
    }
}
