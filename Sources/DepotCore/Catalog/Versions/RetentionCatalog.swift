/// What may not go, and for how long what names were is kept.
public protocol RetentionCatalog: Sendable {
    /// Locks a content of a name, by one more word on the name: what the name is stays.
    ///
    /// Until a lock ends, by the catalog's running time, no policy and no purge takes a version with
    /// that content. Downtime does not count: a lock may end late, and never early.
    ///
    /// - Parameters:
    ///   - version: the version that has it; `nil`: what the name is now.
    ///   - request: as for `ChangeCatalog.changeLevel`.
    /// - Throws: `notFound`; `conflict` where the lock would become shorter unbroken, or would be over
    ///   already; `invalidArgument` where too many contents of the name are locked.
    func lock(
        _ version: VersionName, _ change: LockChange, time: Int64, request: RequestID?
    ) async throws(DepotError) -> LockedContent

    /// Sets the policy of a scope, or takes it away, by a record of its own.
    ///
    /// - Parameters:
    ///   - policy: `nil`: that of the next wider scope holds again.
    ///   - request: as for `ChangeCatalog.changeLevel`.
    /// - Returns: the new record, which is in the outbox; `nil` where it is so already.
    /// - Throws: `tooLarge` where there are too many.
    func setPolicy(
        _ policy: VersionPolicy?, of scope: PolicyScope, time: Int64, request: RequestID?
    ) async throws(DepotError) -> FileRecord?

    /// At most `PolicyScope.countMax`, in the order of their names.
    func policies() async throws(DepotError) -> PolicyList
}

public struct LockedContent: Sendable, Hashable {
    /// `nil`: it is not locked any more.
    public let lock: ContentLock?
    /// The new record, which is in the outbox; `nil` where it was locked so already.
    public let record: FileRecord?

    public init(lock: ContentLock?, record: FileRecord?) {
        self.lock = lock
        self.record = record
    }
}

public struct PolicyList: Sendable, Hashable {
    public struct Entry: Sendable, Hashable {
        public let scope: PolicyScope
        public let policy: VersionPolicy

        public init(_ scope: PolicyScope, _ policy: VersionPolicy) {
            self.scope = scope
            self.policy = policy
        }
    }

    /// What holds where none of them does.
    public let usual: VersionPolicy
    public let entries: [Entry]

    public init(usual: VersionPolicy, entries: [Entry]) {
        self.usual = usual
        self.entries = entries
    }
}
