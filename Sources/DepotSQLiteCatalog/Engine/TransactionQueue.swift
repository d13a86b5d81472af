import DepotCore
import DepotSQLite
import GRDB
import Synchronization

// A commit of SQLite costs a sync of its log. Changes that wait while one is under way are done together in
// the next transaction, each in a savepoint of its own: one sync for all of them, and one that is refused
// takes nothing along. What it costs: a change waits for those in front of it in its group.

/// Runs changes one after the other and views side by side, away from the caller's thread.
///
/// A caller that is cancelled still gets its answer: what is half done is nobody's state.
final class TransactionQueue: Sendable {
    /// Bounds how long the first change of a group waits for its sync.
    static let groupMax = 64

    private struct Waiting {
        var changes: [Change] = []
        var isDraining = false
    }

    private let pool: DatabasePool
    /// Kept until the last statement is through.
    private let lock: FolderLock
    private let time: RunningTime
    private let waiting = Mutex(Waiting())
    /// After a failed write or sync nothing that SQLite keeps in memory is known to be on the disk.
    private let hasFailed = Atomic(false)

    init(pool: DatabasePool, lock: FolderLock, time: RunningTime) {
        self.pool = pool
        self.lock = lock
        self.time = time
    }

    func close() throws(DepotError) {
        do { try pool.close() } catch { throw mapped(error) }
        lock.release()
    }

    /// Writes the log into the file and leaves it empty, so that the file alone is the catalog.
    ///
    /// - Throws: `storeFailed`, `busy` where somebody reads.
    func emptyLog() throws(DepotError) {
        do {
            _ = try pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
        } catch {
            throw mapped(error)
        }
    }

    /// Runs `body` in a transaction that is durable when this returns. A `DepotError` that it throws takes
    /// back what it did.
    ///
    /// - Parameter isDurable: `false` for what nobody misses after a power cut, such as the lease of a reader that
    ///   will have to begin again anyway. It costs no sync, and is durable with the next change that is.
    func change<Value: Sendable>(
        isDurable: Bool = true, _ body: @escaping @Sendable (Session) throws -> Value
    ) async throws(DepotError) -> Value {
        let result: Result<Value, DepotError> = await withCheckedContinuation { continuation in
            enqueue(
                Change(
                    isDurable: isDurable,
                    run: { session in
                        let value = try body(session)
                        return { continuation.resume(returning: .success(value)) }
                    },
                    fail: { continuation.resume(returning: .failure($0)) }))
        }
        return try result.get()
    }

    /// Runs `body` on the state that the last finished change left.
    func view<Value: Sendable>(
        _ body: @escaping @Sendable (Session) throws -> Value
    ) async throws(DepotError) -> Value {
        let result: Result<Value, DepotError> = await withCheckedContinuation { continuation in
            pool.asyncRead { [self] database in
                continuation.resume(
                    returning: Result {
                        let database = try database.get()
                        let tick = try Self.tick(database)
                        return try body(Session(database: database, now: time.now, tick: tick))
                    }.mapError(mapped))
            }
        }
        return try result.get()
    }

    // MARK: Groups

    private struct Change: Sendable {
        let isDurable: Bool
        /// Gives what to call once it is durable.
        let run: @Sendable (Session) throws -> @Sendable () -> Void
        let fail: @Sendable (DepotError) -> Void
    }

    private func enqueue(_ change: Change) {
        let mustDrain = waiting.withLock { waiting in
            waiting.changes.append(change)
            defer { waiting.isDraining = true }
            return !waiting.isDraining
        }
        if mustDrain { pool.asyncWriteWithoutTransaction { [self] in drain($0) } }
    }

    private func drain(_ database: Database) {
        while true {
            let group = waiting.withLock { waiting in
                let group = Array(waiting.changes.prefix(Self.groupMax))
                waiting.changes.removeFirst(group.count)
                if group.isEmpty { waiting.isDraining = false }
                return group
            }
            if group.isEmpty { return }
            commit(group, database)
        }
    }

    private func commit(_ group: [Change], _ database: Database) {
        var succeeded: [@Sendable () -> Void] = []
        var refused: [(change: Change, reason: DepotError)] = []
        do {
            try refuseAfterFailure()
            try transaction(isDurable: group.contains(where: \.isDurable), database) {
                let session = try begin(database)
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
            let reason = mapped(error)
            for change in group { change.fail(reason) }
            return
        }
        for succeed in succeeded { succeed() }
        for (change, reason) in refused { change.fail(reason) }
    }

    /// In a write-ahead log a commit that is not synced can be lost, but is never half there, and what was synced before
    /// or is synced later is not concerned.
    private func transaction(
        isDurable: Bool, _ database: Database, _ body: () throws -> Database.TransactionCompletion
    ) throws {
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
        // Alone, the transaction is savepoint enough.
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

    private func begin(_ database: Database) throws -> Session {
        let session = Session(
            database: database, now: time.now, tick: try Self.tick(database) + 1)
        try session.statement("UPDATE cluster SET tick = ?, clock = ?").run(
            session.tick, session.now)
        try Leases.end(session)
        return session
    }

    private static func tick(_ database: Database) throws -> UInt64 {
        let statement = try SQLStatement(database, "SELECT tick FROM cluster")
        return try statement.first { try $0.get(0, as: UInt64.self) } ?? 0
    }

    // MARK: Failure

    private func mapped(_ error: any Error) -> DepotError {
        DatabaseFailure.mapped(error, path: pool.path)
    }

    private func note(_ error: any Error) {
        guard let error = error as? DatabaseError, error.resultCode == .SQLITE_IOERR else { return }
        hasFailed.store(true, ordering: .releasing)
    }

    private func refuseAfterFailure() throws {
        if hasFailed.load(ordering: .acquiring) { throw DatabaseError(resultCode: .SQLITE_IOERR) }
    }
}
