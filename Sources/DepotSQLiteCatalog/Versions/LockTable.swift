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
            Dictionary(rows.filter { !hasEnded($0) }.map { ($0.content, $0.lock) }) { first, _ in
                first
            })
    }

    /// The same, before something of the name goes: the record of the newest word is asked, too.
    ///
    /// - Returns: also what that has forgotten.
    /// - Throws: `SQLITE_CORRUPT` where they contradict each other.
    func beforeForgetting(
        _ name: FileName
    ) throws -> (locks: ContentLocks, purged: CommitSequence?) {
        let rows = try rows(of: name)
        let said = try RecordTable(session).newestRecord(of: name)?.history ?? .none
        let noted = Dictionary(rows.map { ($0.content, $0.lock) }) { first, _ in first }
        guard said.locks.locks == noted, noted.count == rows.count else {
            throw Self.corrupt("the locks of '\(name)' are not those of its record")
        }
        return (try active(name), said.purged)
    }

    /// Takes over what a new word on a name says.
    func note(_ locks: ContentLocks, of name: FileName) throws {
        session.assertChange()
        let before = try rows(of: name)
        if before.isEmpty, locks == .none { return }
        let deadlines = Dictionary(before.map { ($0.content, $0) }) { first, _ in first }
        try session.statement("DELETE FROM lock WHERE name = ?").run(name)
        let inserting = try session.statement(
            "INSERT INTO lock (name, content, until, deadline, held) VALUES (?, ?, ?, ?, ?)")
        for (content, lock) in locks.locks {
            let deadline = lock.until.map { self.deadline(at: $0, after: deadlines[content]) }
            try inserting.run(name, content, lock.until, deadline, lock.isHeld)
        }
    }

    /// The running time when a lock ends. The clock on the wall is asked once for each lock: what it
    /// says later can make it longer only.
    ///
    /// - Parameter before: what it was before.
    private func deadline(at instant: Int64, after before: Row?) -> Int64 {
        let asked = session.now &+ max(0, instant - session.calendar) * 1_000
        guard let before, let until = before.lock.until, let deadline = before.deadline
        else { return asked }
        if until == instant, !hasEnded(before) { return deadline }
        guard deadline > session.now else { return asked }
        return max(asked, deadline &+ max(0, instant - until) * 1_000)
    }

    private static func corrupt(_ message: String) -> DatabaseError {
        DatabaseError(resultCode: .SQLITE_CORRUPT, message: message)
    }
}
