import DepotCore
import DepotSQLite
import GRDB
import Glibc

// Nothing is synced: a row is sealed, so one that a power cut, a disk or anybody has mixed from two
// is none. A row that is old or lost does no harm. A process that is killed leaves SQLite's log,
// which is read when the file is opened next. So both may be deleted at any time, together or alone.

/// The SQLite file of a cache. One process at a time has it.
final class CacheFile: Sendable {
    private static let applicationID = 0x6470_6361
    private static let version = 1
    /// Of some millions of files.
    static let bytesMax = 512 << 20
    private static let pageSize = 4_096
    private static let pageEntries = 1_000

    private let path: String
    private let queue: DatabaseQueue

    /// Opens the file, or makes it where there is none; a damaged one is made anew, which is told.
    static func open(
        _ path: String, bytesMax: Int = bytesMax, _ onProblem: (CacheProblem) -> Void
    ) throws(CacheProblem) -> CacheFile {
        do throws(CacheProblem) {
            return try CacheFile(path, bytesMax)
        } catch  where error.reason == .damaged {
            remove(path)
            let file = try CacheFile(path, bytesMax)
            onProblem(error)
            return file
        }
    }

    private init(_ path: String, _ bytesMax: Int) throws(CacheProblem) {
        self.path = path
        // Others must not see which files there are. SQLite's log gets the same mode.
        let made = Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if made >= 0 { close(made) }
        do {
            var configuration = Configuration()
            configuration.busyMode = .immediateError
            // Before anything is read: then SQLite shares no memory with other processes.
            configuration.prepareDatabase {
                try $0.execute(sql: "PRAGMA locking_mode = EXCLUSIVE")
            }
            queue = try DatabaseQueue(path: path, configuration: configuration)
            try queue.writeWithoutTransaction { try Self.prepare($0, path, bytesMax) }
        } catch {
            throw Self.problem(error, path)
        }
    }

    private static func prepare(
        _ database: Database, _ path: String, _ bytesMax: Int
    ) throws {
        let isNew = try PageChecksums.isEmpty(database)
        if !isNew {
            let id = try Int.fetchOne(database, sql: "PRAGMA application_id")
            let found = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
            guard id == applicationID, found <= version else { throw CacheProblem(.foreign, path) }
            // A process was killed before it was whole.
            guard found == version else { throw CacheProblem(.damaged, path) }
        }
        try database.execute(
            sql: """
                PRAGMA page_size = \(pageSize);
                PRAGMA application_id = \(applicationID);
                PRAGMA journal_mode = WAL;
                PRAGMA synchronous = OFF;
                PRAGMA max_page_count = \(bytesMax / pageSize);
                -- Takes the lock, which is kept until the file is closed.
                BEGIN IMMEDIATE;
                CREATE TABLE IF NOT EXISTS file (
                    name TEXT PRIMARY KEY, state BLOB NOT NULL, manifest BLOB NOT NULL,
                    seal BLOB NOT NULL) WITHOUT ROWID;
                PRAGMA user_version = \(version);
                COMMIT;
                """)
    }

    func remove() {
        try? queue.close()
        Self.remove(path)
    }

    private static func remove(_ path: String) {
        for suffix in ["", "-wal", "-shm", "-journal"] { unlink(path + suffix) }
    }

    // MARK: Entries

    /// In order of name.
    ///
    /// - Throws: `damaged` where a row is not what was written.
    func page(
        after name: FileName?
    ) throws(CacheProblem) -> [(name: FileName, entry: DepositCache.Entry)] {
        do {
            return try queue.read { database in
                var last = name
                return try SQLStatement(
                    database,
                    """
                    SELECT name, state, manifest, seal FROM file WHERE name > ? ORDER BY name
                    LIMIT ?
                    """
                ).all(name?.text ?? "", Self.pageEntries) { row in
                    let name: FileName = try row.get(0)
                    let entry = DepositCache.Entry(state: try row.get(1), manifest: try row.get(2))
                    guard try row.get(3) == Self.seal(name, entry), last.map({ $0 < name }) ?? true
                    else { throw CacheProblem(.damaged, path) }
                    last = name
                    return (name, entry)
                }
            }
        } catch {
            throw Self.problem(error, path)
        }
    }

    /// - Parameter changes: `nil` for a name that is to be forgotten.
    func write(_ changes: [FileName: DepositCache.Entry?]) throws(CacheProblem) {
        do {
            try queue.write { database in
                let removing = try SQLStatement(database, "DELETE FROM file WHERE name = ?")
                let saving = try SQLStatement(
                    database, "INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?)")
                for (name, entry) in changes.sorted(by: { $0.key < $1.key }) {
                    guard let entry else {
                        try removing.run(name)
                        continue
                    }
                    try saving.run(name, entry.state, entry.manifest, Self.seal(name, entry))
                }
            }
        } catch {
            throw Self.problem(error, path)
        }
    }

    /// What holds the parts of a row together.
    private static func seal(_ name: FileName, _ entry: DepositCache.Entry) -> [UInt8] {
        // A name has no zero byte in it, and the others have their lengths.
        let row = Array(name.text.utf8) + [0] + entry.state + entry.manifest.bytes
        return row.withUnsafeBytes { Array(ChunkID(hashing: $0).bytes.prefix(16)) }
    }

    private static func problem(_ error: any Error, _ path: String) -> CacheProblem {
        if let problem = error as? CacheProblem { return problem }
        guard let failure = error as? DatabaseError else {
            return CacheProblem(.failed("\(error)"), path)
        }
        return switch failure.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED: CacheProblem(.inUse, path)
        case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_FORMAT: CacheProblem(.damaged, path)
        case .SQLITE_FULL: CacheProblem(.full, path)
        default: CacheProblem(.failed(failure.message ?? "\(failure.resultCode)"), path)
        }
    }
}
