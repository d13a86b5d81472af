import DepotCore
import DepotSQLite
import GRDB
import Synchronization

// A commit of SQLite costs a sync of its log. Changes that wait while a commit is under way are
// done together in the next transaction, each in a savepoint of its own: one sync serves them all,
// and a change that is refused takes no other one along. The price: a change waits for the changes
// in front of it in its group.

/// A change that waits for its turn. It is answered once: as durable, or as failed.
struct Change: Sendable {
    let isDurable: Bool
    let isHarmless: Bool
    /// Gives what to call once it is durable.
    let run: @Sendable (Session) throws -> @Sendable () -> Void
    let fail: @Sendable (DepotError) -> Void
}

/// Commits changes in groups. Used by one thread at a time, the writer's.
final class GroupCommit: Sendable {
    private let time: RunningTime
    private let unwritten: UnwrittenRetrievals
    private let damage: DamageNote
    private let versions: VersionPolicy
    private let absent: AbsentFilter
    /// After a failed write or sync nothing that SQLite keeps in memory is known to be on the disk.
    private let hasFailed = Atomic(false)

    init(
        time: RunningTime, unwritten: UnwrittenRetrievals, damage: DamageNote,
        versions: VersionPolicy, absent: AbsentFilter
    ) {
        self.versions = versions
        self.absent = absent
        self.time = time
        self.unwritten = unwritten
        self.damage = damage
    }

    /// Answers all changes of the group.
    func commit(_ all: [Change], _ database: Database) {
        let group = refuseOnDamaged(all)
        if group.isEmpty { return }
        var succeeded: [@Sendable () -> Void] = []
        var refused: [(change: Change, reason: DepotError)] = []
        var written: [UnwrittenRetrievals.Lease: Int64] = [:]
        do {
            try refuseAfterFailure()
            try transaction(isDurable: group.contains(where: \.isDurable), database) {
                let session = try begin(database)
                written = try unwritten.write(session)
                try Leases(session).endAll()
                for change in group {
                    do {
                        try run(change, alone: group.count == 1, session) { succeeded.append($0) }
                    } catch let reason as DepotError where group.count > 1 {
                        refused.append((change, reason))
                    }
                }
                return .commit
            }
        } catch {
            note(error)
            let reason = damage.mapped(error)
            for change in group { change.fail(reason) }
            return
        }
        assert(succeeded.count + refused.count == group.count, "each change is answered once")
        unwritten.wasWritten(written)
        for succeed in succeeded { succeed() }
        for (change, reason) in refused { change.fail(reason) }
    }

    private func begin(_ database: Database) throws -> Session {
        let session = Session(
            database: database, access: .change, time: time,
            state: try CatalogState(database).next, versions: versions,
            absent: absent)
        try session.statement("UPDATE cluster SET tick = ?, clock = ?").run(
            session.tick, session.now)
        return session
    }

    /// In a write-ahead log a commit that is not synced can be lost, but is never half there.
    /// Commits that were synced before or are synced later are not affected.
    private func transaction(
        isDurable: Bool, _ database: Database, _ body: () throws -> Database.TransactionCompletion
    ) throws {
        assert(!database.isInsideTransaction, "a group is a transaction of its own")
        if isDurable { return try database.inTransaction(.immediate, body) }
        try database.execute(sql: "PRAGMA synchronous = NORMAL")
        defer {
            do {
                try database.execute(sql: "PRAGMA synchronous = \(CatalogOpening.synchronous)")
            } catch {
                // Nothing could be promised any more.
                hasFailed.store(true, ordering: .releasing)
            }
        }
        try database.inTransaction(.immediate, body)
    }

    private func run(
        _ change: Change, alone: Bool, _ session: Session,
        then: (@escaping @Sendable () -> Void) -> Void
    ) throws {
        // A change that is alone in its group needs no savepoint: the transaction is one.
        if alone { return then(try change.run(session)) }
        try session.database.inSavepoint {
            do {
                then(try change.run(session))
            } catch {
                session.membersChanged()
                throw error
            }
            return .commit
        }
    }

    // MARK: Failure

    /// What is wrong in one place may be wrong in others: nothing is promised by it, or let go.
    private func refuseOnDamaged(_ group: [Change]) -> [Change] {
        guard let found = damage.found else { return group }
        for change in group where !change.isHarmless { change.fail(found) }
        return group.filter(\.isHarmless)
    }

    private func note(_ error: any Error) {
        guard let error = error as? DatabaseError, error.resultCode == .SQLITE_IOERR else { return }
        hasFailed.store(true, ordering: .releasing)
    }

    private func refuseAfterFailure() throws {
        if hasFailed.load(ordering: .acquiring) { throw DatabaseError(resultCode: .SQLITE_IOERR) }
    }
}
