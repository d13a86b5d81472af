import DepotCore
import DepotSQLite
import GRDB

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// One transaction, or one consistent view, and what is known in it. It lives on the thread that
/// made it.
final class Session {
    enum Access {
        case view
        case change
    }

    let database: Database
    let access: Access
    /// The catalog's running time in milliseconds.
    let now: Int64
    private let time: RunningTime
    /// Counts the transactions that changed something; a mark is one of these.
    let tick: UInt64
    /// What is kept of what names were, where no policy says something else.
    let versions: VersionPolicy
    let absent: AbsentFilter
    /// Whether copies of some chunks are in the old table still, see `CarryOver`.
    private(set) var isCarrying: Bool
    private var loadedMembers: MemberTable?
    private var foundPolicies: Bool?
    private let thread = pthread_self()

    init(
        database: Database, access: Access, time: RunningTime, state: CatalogState,
        versions: VersionPolicy, absent: AbsentFilter
    ) {
        assert(database.isInsideTransaction, "a session lives inside a transaction")
        self.database = database
        self.access = access
        self.time = time
        now = time.now
        self.versions = versions
        self.absent = absent
        tick = state.tick
        isCarrying = state.isCarrying
    }

    /// Seconds since 1970, by a clock that may be wrong.
    var calendar: Int64 { time.calendar }

    func statement(_ sql: String) throws -> SQLStatement {
        assert(pthread_equal(thread, pthread_self()) != 0, "a session stays on its thread")
        return try SQLStatement(database, sql)
    }

    /// Said by what writes: it is part of a change, which becomes durable or is taken back as a
    /// whole.
    func assertChange() {
        assert(access == .change, "only a change writes")
        assert(database.isInsideTransaction, "what writes is part of a transaction")
    }

    /// The numbers that members have in this catalog.
    func members() throws -> MemberTable {
        if let loadedMembers { return loadedMembers }
        let loaded = try MemberTable(self)
        loadedMembers = loaded
        return loaded
    }

    func membersChanged() { loadedMembers = nil }

    /// Whether policies say for how long versions are kept.
    func hasPolicies() throws -> Bool {
        if let foundPolicies { return foundPolicies }
        let found = try PolicyTable(self).isAny()
        foundPolicies = found
        return found
    }

    func policiesChanged() { foundPolicies = nil }

    /// The old table is gone.
    func carriedOver() { isCarrying = false }
}

/// What every transaction has to know of the catalog.
struct CatalogState {
    /// Counts the transactions that changed something, up to the last that the database knows.
    let tick: UInt64
    let isCarrying: Bool

    init(_ database: Database) throws {
        let statement = try SQLStatement(database, "SELECT tick, carrying FROM cluster")
        let found = try statement.first {
            try (tick: $0.get(0, as: UInt64.self), isCarrying: $0.get(1, as: Bool.self))
        }
        (tick, isCarrying) = found ?? (0, false)
    }

    private init(tick: UInt64, isCarrying: Bool) {
        (self.tick, self.isCarrying) = (tick, isCarrying)
    }

    /// In the transaction that comes next.
    var next: CatalogState { CatalogState(tick: tick + 1, isCarrying: isCarrying) }
}
