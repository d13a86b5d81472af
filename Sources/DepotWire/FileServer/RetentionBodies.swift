import DepotCore

/// What is to be locked of a name.
public struct LockRequestBody: Sendable, Codable {
    /// The version whose content it is; `nil`: what the name is now.
    public let sequence: CommitSequence?
    /// Seconds since 1970.
    public let until: Int64?
    public let isHeld: Bool?

    public init(sequence: CommitSequence?, _ change: LockChange) {
        self.sequence = sequence
        until = change.until
        isHeld = change.isHeld
    }

    /// - Throws: `invalidArgument`.
    public func change(breaking isBroken: Bool) throws(DepotError) -> LockChange {
        try LockChange(until: until, isHeld: isHeld, breaks: isBroken)
    }
}

public struct LockedBody: Sendable, Codable {
    public let name: FileName
    /// Of the content that was asked for; absent where it is not locked any more.
    public let lock: ContentLock?

    public init(name: FileName, lock: ContentLock?) {
        self.name = name
        self.lock = lock
    }
}

/// For how long what names were is kept.
public struct PolicyBody: Sendable, Codable {
    @Count public private(set) var keepDays: Int
    @Count public private(set) var keepLast: Int

    public init(_ policy: VersionPolicy) {
        keepDays = policy.days
        keepLast = policy.last
    }

    /// - Throws: `invalidArgument`.
    public var policy: VersionPolicy {
        get throws(DepotError) { try VersionPolicy(days: keepDays, last: keepLast) }
    }
}

public struct PolicyListBody: Sendable, Codable {
    public struct Entry: Sendable, Codable {
        /// Empty: the whole depot.
        public let prefix: String
        public let policy: PolicyBody
    }

    /// What holds where none of the others does.
    public let usual: PolicyBody
    public let policies: [Entry]

    public init(_ list: PolicyList) {
        self.init(
            usual: PolicyBody(list.usual),
            policies: list.entries.map {
                Entry(prefix: $0.scope.root?.text ?? "", policy: PolicyBody($0.policy))
            })
    }

    private init(usual: PolicyBody, policies: [Entry]) {
        self.usual = usual
        self.policies = policies
    }

    /// Those that hold for names within reach.
    public func within(_ reach: NameReach) -> PolicyListBody {
        PolicyListBody(
            usual: usual, policies: policies.filter { reach.overlaps(prefix: $0.prefix) })
    }
}

/// What a deletion with a purge would take.
public struct PurgePlanBody: Sendable, Codable {
    public let name: FileName
    @Count public private(set) var names: Int
    @Count public private(set) var versions: Int
    /// Names that keep something, because it is locked; their bytes are not among those below.
    @Count public private(set) var lockedNames: Int
    /// Of chunks that nothing else uses, each counted once.
    @ByteCount public private(set) var uniqueBytes: UInt64
    /// The same with all good copies.
    @ByteCount public private(set) var storedBytes: UInt64

    public init(name: FileName, _ plan: PurgePlan) {
        self.name = name
        names = plan.names
        versions = plan.versions
        lockedNames = plan.lockedNames
        uniqueBytes = plan.uniqueBytes
        storedBytes = plan.storedBytes
    }
}
