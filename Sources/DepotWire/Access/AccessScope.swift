import DepotCore

/// What a token lets its holder do. Each scope has what those before it have.
public enum AccessScope: String, Sendable, Codable, CaseIterable, Comparable {
    /// Watch how the depot is, by metrics, status and coverage: no file is seen, nor what it is
    /// called.
    case observe
    /// List and retrieve.
    case read
    /// Deposit names that are not taken: nothing is replaced, deleted or lowered by it.
    case append
    /// Replace, delete, undelete and lock files, and change their levels. Versions stay.
    case write
    /// Everything: versions go, replicas come and go, tokens are made.
    case admin

    public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .observe: 0
        case .read: 1
        case .append: 2
        case .write: 3
        case .admin: 4
        }
    }
}

/// Whoever sent a request, by the token that it carries.
public struct Caller: Sendable, Hashable {
    /// The token's.
    public let name: String
    public let scope: AccessScope
    public let reach: NameReach

    public init(name: String, scope: AccessScope, reach: NameReach) {
        self.name = name
        self.scope = scope
        self.reach = reach
    }

    /// Shows no token.
    public static let stranger = Caller(name: "-", scope: .observe, reach: .nothing)

    /// - Throws: `forbidden` where the token does less.
    public func require(_ needed: AccessScope, to what: String) throws(DepotError) {
        guard scope < needed else { return }
        throw DepotError(
            .forbidden,
            "\(what) takes a token with the scope \(needed.rawValue), and this one has "
                + "\(scope.rawValue)",
            object: name)
    }

    /// - Throws: `forbidden` for a name that is out of the token's reach: whether there is a file is
    ///   not said.
    public func require(_ name: FileName) throws(DepotError) {
        guard !reach.contains(name) else { return }
        throw DepotError(
            .forbidden, "the token '\(self.name)' reaches no such name", object: name.text)
    }

    /// - Throws: `forbidden` for a token that does not reach everything.
    public func requireEverything(to what: String) throws(DepotError) {
        guard reach != .everything else { return }
        throw DepotError(
            .forbidden, "\(what) takes a token without prefixes", object: name)
    }
}
