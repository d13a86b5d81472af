import DepotCore
import GRDB
import Synchronization

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
    private let versions: VersionPolicy
    private let groups: GroupCommit
    private let metrics: CatalogMetrics
    private let waiting = Mutex(Waiting())
    let unwritten = UnwrittenRetrievals()
    let damage: DamageNote
    let absent = AbsentFilter()

    /// - Parameter versions: what is kept of what names were.
    init(
        pool: DatabasePool, lock: FolderLock, time: RunningTime, versions: VersionPolicy,
        metrics: CatalogMetrics
    ) {
        self.metrics = metrics
        self.versions = versions
        self.pool = pool
        self.lock = lock
        self.time = time
        damage = DamageNote(path: pool.path)
        groups = GroupCommit(
            time: time, unwritten: unwritten, damage: damage, versions: versions,
            absent: absent)
    }

    func close() throws(DepotError) {
        do { try pool.close() } catch { throw damage.mapped(error) }
        lock.release()
    }

    /// Writes the log into the file and leaves it empty, so that the file alone is the catalog.
    ///
    /// - Throws: `storeFailed`, `busy` where somebody reads.
    func emptyLog() throws(DepotError) {
        do {
            _ = try pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
        } catch {
            throw damage.mapped(error)
        }
    }

    /// Runs `body` in a transaction that is durable when this returns. A `DepotError` that it
    /// throws takes back what it did.
    ///
    /// - Parameters:
    ///   - isDurable: `false` for what nobody misses after a power cut, such as the lease of a
    ///     reader that will have to begin again anyway. It costs no sync, and is durable with the
    ///     next change that is.
    ///   - isHarmless: the change promises nothing and lets nothing go. A damaged catalog takes it,
    ///     too, so that reading goes on.
    func change<Value: Sendable>(
        isDurable: Bool = true, isHarmless: Bool = false,
        _ body: @escaping @Sendable (Session) throws -> Value
    ) async throws(DepotError) -> Value {
        let result: Result<Value, DepotError> = await withCheckedContinuation { continuation in
            enqueue(
                Change(
                    isDurable: isDurable, isHarmless: isHarmless,
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
                let result = metrics.view {
                    Result {
                        let database = try database.get()
                        let session = Session(
                            database: database, access: .view, time: time,
                            state: try CatalogState(database), versions: versions, absent: absent)
                        return try body(session)
                    }.mapError(damage.mapped)
                }
                continuation.resume(returning: result)
            }
        }
        return try result.get()
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
                assert(waiting.isDraining, "one thread at a time takes what waits")
                let group = Array(waiting.changes.prefix(Self.groupMax))
                waiting.changes.removeFirst(group.count)
                if group.isEmpty { waiting.isDraining = false }
                return group
            }
            if group.isEmpty { return }
            metrics.transaction(of: group.count) { groups.commit(group, database) }
        }
    }
}
