import DepotCore
import FoundationEssentials
import Glibc

// A replica's folder is its identity: `depot-replica.json` with the UUID, `segments/`, the
// disposable `index.sqlite`, and `torn/`. The folder itself is locked, so that no second daemon
// writes into it.

/// The content of `depot-replica.json`.
struct ReplicaIdentity: Codable, Equatable {
    static let formatKnown = 1

    let format: Int
    let replica: ReplicaID
    var membership: ClusterMembership?
    /// How often the folder has been opened.
    var opens: UInt64
    /// The segment that was begun last. Its number is never used again, and its nonce has to be
    /// known where the segment's first header is damaged.
    var segmentNewest: SegmentID?
    /// The highest sequence that was known when this was written: a segment that held its record
    /// may be gone. It is at least as high as in every segment that was sealed before the newest
    /// one was begun.
    var sequenceHighest: CommitSequence?
}

extension ReplicaIdentity {
    /// What the identity tells of one of the segments in the folder.
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
        let (result, code) = operations.perform(.makeFolder(path: path))
        if result == 0 {
            try operations.syncFolder("\(path)/..")
        } else if code != EEXIST {
            let what = "cannot make the replica's folder"
            // A disk that fails is the store's; a path that leads nowhere is its operator's.
            throw code == EIO ? .system(what, path, errno: code) : .file(what, path, errno: code)
        }
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
            throw .file("cannot open the replica's folder", path)
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

    /// Unlocks the folder. Closing the descriptor here would not do: a child process that is being
    /// started holds a copy of it for a moment, and the folder would stay locked.
    func release() { flock(lock, LOCK_UN) }

    /// To be called after the identity was read, and not before: a folder of a newer format is not
    /// touched.
    func makeFolders() throws(DepotError) {
        try Self.makeFolder(segments, operations)
        try Self.makeFolder(torn, operations)
        try operations.syncFolder(path)
    }

    private static func makeFolder(
        _ path: String, _ operations: FileOperations
    ) throws(DepotError) {
        let (result, code) = operations.perform(.makeFolder(path: path))
        guard result == 0 || code == EEXIST else {
            throw .system("cannot make the folder", path, errno: code)
        }
    }

    /// - Returns: `nil` where there is none yet.
    /// - Throws: `formatUnsupported` for a newer one.
    func readIdentity() throws(DepotError) -> ReplicaIdentity? {
        let file = open(identityFile, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            throw .system("cannot read the replica's identity", identityFile, errno: errno)
        }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = read(file, &bytes, bytes.count)
        guard count >= 0 else { throw .system("cannot read", identityFile, errno: errno) }
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
                "the replica's identity is damaged; put back the file from a backup, or start with "
                    + "an empty folder and let other replicas fill it",
                object: identityFile, cause: error)
        }
    }

    /// Replaces the identity, durably: a crash leaves the old one or the new one.
    func writeIdentity(_ identity: ReplicaIdentity) throws(DepotError) {
        assert(identity.opens > 0, "the folder was never opened")
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
            .rename(from: temporary, to: identityFile), else: "cannot replace", identityFile)
        try operations.syncFolder(path)
    }

    /// Checks that the path still leads to this folder, and that the segments' folder is in it. An
    /// unmounted disk leaves an empty folder in its place.
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

    /// The error of a folder in which some number has no successor. Only a file that was forged or
    /// put there by hand brings a folder here.
    func isAtItsEnd(_ why: String) -> DepotError {
        DepotError(
            .formatUnsupported,
            "this folder cannot be written to: \(why), and more cannot be counted. Nothing was "
                + "touched. If a segment with such a number is not depot's, move it out of the "
                + "folder; else start with an empty folder and let other replicas fill it",
            object: path)
    }

    /// The numbers of the segment files, in order.
    ///
    /// - Throws: `formatUnsupported` where one has a number that depot gives to none.
    func segmentNumbers() throws(DepotError) -> [UInt32] {
        guard let folder = opendir(segments) else {
            throw .system("cannot list the segments", segments, errno: errno)
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
            guard number <= SegmentID.numberMax else {
                throw DepotError(
                    .formatUnsupported,
                    "no segment of depot's has this number, \(SegmentID.numberMax) is the last; "
                        + "nothing was touched. Move the file out of the folder",
                    object: "\(segments)/\(name)")
            }
            numbers.append(number)
        }
        return numbers.sorted()
    }

    /// Bytes of the file system, and bytes of it that can still be written.
    func space() throws(DepotError) -> (total: UInt64, free: UInt64) {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else {
            throw .system("cannot ask for the free space", path, errno: errno)
        }
        // File systems over a network, and in user space, may report any number.
        func bytes(_ blocks: UInt64) -> UInt64 {
            let (bytes, isOver) = blocks.multipliedReportingOverflow(by: UInt64(status.f_frsize))
            return ByteCount(isOver ? .max : bytes).bytes
        }
        return (bytes(UInt64(status.f_blocks)), bytes(UInt64(status.f_bavail)))
    }
}
