import DepotCore
import DepotSQLite
import GRDB

// The newest record of a name says what is locked of it, and these rows say until when, by the
// catalog's own time. Nothing that is locked by either of them goes.

/// Contents of names that may not go.
struct LockTable {
    private let session: Session

    init(_ session: Session) { self.session = session }

    private struct Row {
        let content: ChunkID
        let lock: ContentLock
        let deadline: Int64?
    }

    private func rows(of name: FileName) throws -> [Row] {
        try session.statement("SELECT content, until, deadline, held FROM lock WHERE name = ?")
            .all(name) { row in
                guard
                    let lock = try ContentLock(
                        until: row.get(1, as: Int64?.self), isHeld: row.get(3))
                else { throw Self.corrupt("a lock of '\(name)' locks nothing") }
                return try Row(content: row.get(0), lock: lock, deadline: row.get(2))
            }
    }

    private func hasEnded(_ row: Row) -> Bool {
        !row.lock.isHeld && row.deadline.map { $0 <= session.now } ?? true
    }

    /// Whether the row `lock` has not ended, in SQL.
    static func isActive(_ lock: String, now: String) -> String {
        "(\(lock).held = 1 OR \(lock).deadline > \(now))"
    }

    /// Locks that have not ended: what the next word on the name says.
    func active(_ name: FileName) throws -> ContentLocks {
        let rows = try rows(of: name)
        if rows.isEmpty { return .none }
        return try ContentLocks(
            Dictionary(
                uniqueKeysWithValues: rows.filter { !hasEnded($0) }.map { ($0.content, $0.lock) }))
    }

    /// The same, before something of the name goes: the record of the newest word is asked, too.
    ///
    /// - Throws: `SQLITE_CORRUPT` where they contradict each other.
    func beforeForgetting(_ name: FileName) throws -> ContentLocks {
        let rows = try rows(of: name)
        let table = RecordTable(session)
        let said = try table.newest(of: name).map { try table.record($0.number).locks } ?? .none
        guard said.locks == Dictionary(uniqueKeysWithValues: rows.map { ($0.content, $0.lock) })
        else { throw Self.corrupt("the locks of '\(name)' are not those of its record") }
        return try active(name)
    }

    /// Takes over what a new word on a name says.
    func note(_ locks: ContentLocks, of name: FileName) throws {
        session.assertChange()
        let before = try rows(of: name)
        if before.isEmpty, locks == .none { return }
        let deadlines = Dictionary(uniqueKeysWithValues: before.map { ($0.content, $0) })
        try session.statement("DELETE FROM lock WHERE name = ?").run(name)
        let inserting = try session.statement(
            "INSERT INTO lock (name, content, until, deadline, held) VALUES (?, ?, ?, ?, ?)")
        for (content, lock) in locks.locks {
            let old = deadlines[content]
            // The clock is asked once for each end: what it says later decides nothing.
            let deadline =
                old?.lock.until == lock.until
                ? old?.deadline
                : lock.until.map { max(self.deadline(at: $0), old?.deadline ?? .min) }
            try inserting.run(name, content, lock.until, deadline, lock.isHeld)
        }
    }

    /// The running time of an instant.
    private func deadline(at instant: Int64) -> Int64 {
        let left = max(0, instant - session.calendar)
        return session.now &+ left * 1_000
    }

    private static func corrupt(_ message: String) -> DatabaseError {
        DatabaseError(resultCode: .SQLITE_CORRUPT, message: message)
    }
}
