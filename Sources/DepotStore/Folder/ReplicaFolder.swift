import DepotCore
import FoundationEssentials
import Glibc

// A replica's folder is its identity: `depot-replica.json` with the UUID, `segments/`, the disposable
// `index.sqlite`, and `torn/`. The folder itself is locked, so that no second daemon writes into it.

/// What `depot-replica.json` says.
struct ReplicaIdentity: Codable, Equatable {
    static let formatKnown = 1

    let format: Int
    let replica: ReplicaID
    var membership: ClusterMembership?
    /// How often the folder has been opened.
    var opens: UInt64
    /// The segment that was begun last: numbers are never used again, and its nonce has to be known where its first
    /// header is damaged.
    var segmentNewest: SegmentID?
}

extension ReplicaIdentity {
    /// What is known of one of the segments.
    func knows(_ number: UInt32, of numbers: [UInt32]) -> SegmentKnowledge {
        let newest = max(segmentNewest?.number ?? 0, numbers.max() ?? 0)
        return SegmentKnowledge(
            nonce: segmentNewest?.number == number ? segmentNewest?.nonce : nil,
            wasSealed: number < newest)
    }
}

/// The locked folder of a replica.
final class ReplicaFolder: Sendable {
    let path: String
    let operations: FileOperations
    private let lock: Int32

    var segments: String { "\(path)/segments" }
    var index: String { "\(path)/index.sqlite" }
    var torn: String { "\(path)/torn" }
    private var identityFile: String { "\(path)/depot-replica.json" }

    /// Makes the folder where it is missing, and locks it.
    ///
    /// - Throws: `conflict` where another process has it.
    convenience init(_ path: String, _ operations: FileOperations) throws(DepotError) {
        // Its own name has to be durable, too.
        if try Self.makeFolder(path, operations) { try operations.syncFolder("\(path)/..") }
        try self.init(existing: path, operations)
    }

    /// Locks a folder that has to be there.
    init(
        existing path: String, _ operations: FileOperations = .system
    ) throws(DepotError) {
        self.path = path
        self.operations = operations
        lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard lock >= 0 else {
            guard errno != ENOENT else {
                throw DepotError(.notFound, "there is no such folder", object: path)
            }
            throw .system("cannot open the replica's folder", path, errno)
        }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            close(lock)
            throw DepotError(
                .conflict,
                "another process uses this folder; stop it first, or name another folder",
                object: path)
        }
    }

    deinit {
        release()
        close(lock)
    }

    /// Gives the folder free. Said in words: a child that is being started has the descriptor, too, for a moment,
    /// and closing it here alone would leave the folder locked.
    func release() { flock(lock, LOCK_UN) }

    /// After the identity was read, and not before: a folder of a newer format is not touched.
    func makeFolders() throws(DepotError) {
        try Self.makeFolder(segments, operations)
        try Self.makeFolder(torn, operations)
        try operations.syncFolder(path)
    }

    /// - Returns: whether it was not there.
    @discardableResult
    private static func makeFolder(
        _ path: String, _ operations: FileOperations
    ) throws(DepotError) -> Bool {
        let (result, code) = operations.perform(.makeFolder(path: path))
        if result == 0 { return true }
        guard code == EEXIST else { throw .system("cannot make the folder", path, code) }
        return false
    }

    /// - Returns: `nil` where there is none yet.
    /// - Throws: `formatUnsupported` for a newer one.
    func readIdentity() throws(DepotError) -> ReplicaIdentity? {
        let file = open(identityFile, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            throw .system("cannot read the replica's identity", identityFile, errno)
        }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = read(file, &bytes, bytes.count)
        guard count >= 0 else { throw .system("cannot read", identityFile, errno) }
        return try parseIdentity(Data(bytes.prefix(count)))
    }

    private func parseIdentity(_ data: Data) throws(DepotError) -> ReplicaIdentity {
        struct Version: Codable { let format: Int }
        do {
            let version = try JSONDecoder().decode(Version.self, from: data)
            guard version.format <= ReplicaIdentity.formatKnown else {
                throw DepotError(
                    .formatUnsupported,
                    "this folder has format \(version.format), this program knows up to "
                        + "\(ReplicaIdentity.formatKnown); nothing was touched, use a newer depot",
                    object: path)
            }
            return try JSONDecoder().decode(ReplicaIdentity.self, from: data)
        } catch let error as DepotError {
            throw error
        } catch {
            throw DepotError(
                .formatUnsupported,
                "the replica's identity is damaged; put back the file from a backup, or start with an "
                    + "empty folder and let other replicas fill it",
                object: identityFile, cause: error)
        }
    }

    /// Replaces the identity, durably: a crash leaves the old one or the new one.
    func writeIdentity(_ identity: ReplicaIdentity) throws(DepotError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        let data: Data
        do {
            data = try encoder.encode(identity)
        } catch {
            throw DepotError(.internalError, "cannot write the identity", cause: error)
        }
        let temporary = identityFile + ".new"
        let file = try operations.create(temporary, mode: 0o600, replacing: true)
        defer { close(file) }
        try operations.write(Array(data), at: 0, to: file, temporary)
        try operations.sync(file, temporary)
        try operations.run(
            .rename(from: temporary, to: identityFile), "cannot replace", identityFile)
        try operations.syncFolder(path)
    }

    /// Whether its path still leads to this folder, and the one of the segments is in it. An unmounted disk leaves an
    /// empty folder in the place.
    func checkIsThere() throws(DepotError) {
        var (mine, found, inner) = (stat(), stat(), stat())
        guard fstat(lock, &mine) == 0, stat(path, &found) == 0, stat(segments, &inner) == 0,
            mine.st_dev == found.st_dev, mine.st_ino == found.st_ino
        else {
            throw DepotError(
                .storeFailed, "the replica's folder is not there any more; restart the replica",
                object: path)
        }
    }

    /// The numbers of the segment files, in order.
    func segmentNumbers() throws(DepotError) -> [UInt32] {
        guard let folder = opendir(segments) else {
            throw .system("cannot list the segments", segments, errno)
        }
        defer { closedir(folder) }
        var numbers: [UInt32] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard name.hasSuffix(".tar"), let number = UInt32(name.dropLast(4)),
                SegmentFile.name(number) == name
            else { continue }
            numbers.append(number)
        }
        return numbers.sorted()
    }

    /// Size of the file system and what of it can still be written, in bytes.
    func space() throws(DepotError) -> (total: UInt64, free: UInt64) {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else {
            throw .system("cannot ask for the free space", path, errno)
        }
        return (
            UInt64(status.f_blocks) * UInt64(status.f_frsize),
            UInt64(status.f_bavail) * UInt64(status.f_frsize)
        )
    }
}
