import DepotCore
import Synchronization

// A record that replaces or deletes a file lets go of its chunks. While no majority of its replicas
// has the record, a catalog that is made of replicas alone knows only the file from before: its
// chunks have to be there. So what a record let go is destroyed only when the newest word on its
// name is on a majority.

/// How far commits are known to be on majorities.
final class SettledRecords: Sendable {
    /// All records up to this one were found to be settled. They are looked at once: while a replica
    /// is away the outbox is long.
    private let last = Mutex<Int64>(0)

    /// - Returns: the first record that is not settled; where all are, the next one that comes.
    func firstUnsettled(_ session: Session) throws -> Int64 {
        let newest = try session.statement("SELECT coalesce(max(id), 0) FROM record").first {
            try $0.get(0, as: Int64.self)
        }
        let start = last.withLock { $0 }
        let found = try RecordTable(session).firstUnsettled(after: start)
        let first = found ?? (newest ?? 0) &+ 1
        last.withLock { $0 = max($0, first &- 1) }
        return first
    }
}
