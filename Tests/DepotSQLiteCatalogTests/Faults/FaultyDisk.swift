import CSQLiteChecksums
import CSQLiteFaults
import DepotTestSupport
import FoundationEssentials
import GRDBSQLite
import Synchronization

/// What SQLite did with one of a catalog's files.
struct DiskEvent {
    enum Kind: Equatable {
        case open
        case write(offset: Int, bytes: [UInt8])
        case sync
        case truncate(size: Int)
        case delete
    }

    let path: String
    let kind: Kind
}

/// Which of the operations that come fail, and how.
struct DiskFault {
    enum Kind: CaseIterable {
        /// EIO, whatever is tried.
        case broken
        /// What writes finds no room.
        case full
    }

    let kind: Kind
    /// From 1.
    let position: Int
    /// Those behind it fail, too.
    let lasts: Bool
}

/// Records what SQLite writes into one folder, and lets it fail when told.
final class FaultyDisk: Sendable {
    private struct State {
        var events: [DiskEvent] = []
        var fault: DiskFault?
        var passed = 0
        var fired = 0
        var firedOpens = 0
    }

    private static let disks = Mutex<[String: FaultyDisk]>([:])
    private static let isInstalled =
        depot_checksums_install() == SQLITE_OK
        && faults_install { operation, path, offset, bytes, count in
            guard let path = path.map({ String(cString: $0) }) else { return SQLITE_OK }
            let folder = String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)])
            guard let disk = FaultyDisk.disks.withLock({ $0[folder] }) else { return SQLITE_OK }
            let content = UnsafeRawBufferPointer(start: bytes, count: Int(count))
            return disk.take(operation, path, Int(offset), content)
        } == SQLITE_OK

    let folder: String
    private let state = Mutex(State())

    /// - Parameter folder: as SQLite names it, without links.
    init(folder: String) {
        self.folder = folder
        precondition(Self.isInstalled)
        Self.disks.withLock { $0[folder] = self }
    }

    func remove() { Self.disks.withLock { $0[folder] = nil } }

    var events: [DiskEvent] { state.withLock { $0.events } }
    /// Operations that were let fail since the fault was set.
    var fired: Int { state.withLock { $0.fired } }
    /// Whether a file could not be opened, and all else was done.
    var hasRefusedToOpenOnly: Bool {
        state.withLock { $0.fired > 0 && $0.fired == $0.firedOpens }
    }

    func set(_ fault: DiskFault?) {
        state.withLock {
            $0.fault = fault
            $0.passed = 0
            $0.fired = 0
            $0.firedOpens = 0
        }
    }

    private func take(
        _ operation: Int32, _ path: String, _ offset: Int, _ bytes: UnsafeRawBufferPointer
    ) -> Int32 {
        // Only what a crash leaves on the disk: not the shared memory beside it.
        if path.hasSuffix("-shm") { return SQLITE_OK }
        let (kind, broken): (DiskEvent.Kind, Int32)
        switch UInt32(operation) {
        case FAULTS_OPEN.rawValue: (kind, broken) = (.open, SQLITE_CANTOPEN)
        case FAULTS_WRITE.rawValue:
            (kind, broken) = (.write(offset: offset, bytes: Array(bytes)), 3 << 8 | SQLITE_IOERR)
        case FAULTS_SYNC.rawValue: (kind, broken) = (.sync, 4 << 8 | SQLITE_IOERR)
        case FAULTS_TRUNCATE.rawValue:
            (kind, broken) = (.truncate(size: offset), 6 << 8 | SQLITE_IOERR)
        default: (kind, broken) = (.delete, 10 << 8 | SQLITE_IOERR)
        }
        return state.withLock { state in
            if let fault = state.fault {
                var isConcerned = true
                if fault.kind == .full { if case .write = kind {} else { isConcerned = false } }
                if isConcerned {
                    state.passed += 1
                    let isHit =
                        fault.lasts
                        ? state.passed >= fault.position : state.passed == fault.position
                    if isHit {
                        state.fired += 1
                        if kind == .open { state.firedOpens += 1 }
                        return fault.kind == .full ? SQLITE_FULL : broken
                    }
                }
            }
            state.events.append(DiskEvent(path: path, kind: kind))
            if kind == .delete, offset != 0 {
                state.events.append(DiskEvent(path: path, kind: .sync))
            }
            return SQLITE_OK
        }
    }
}

/// What a power cut leaves of files, from what was done with them.
struct DiskImage {
    private struct File {
        var stable: [UInt8]?
        /// Not synced: each may have reached the disk or not, in any order.
        var pending: [DiskEvent.Kind] = []
    }

    private var files: [String: File] = [:]

    /// - Parameter folder: with files that are on the disk.
    init(folder: String? = nil) throws {
        guard let folder else { return }
        for name in try FileManager.default.contentsOfDirectory(atPath: folder)
        where !name.hasSuffix("-shm") {
            let path = folder + "/" + name
            let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            files[name] = File(stable: [UInt8](bytes))
        }
    }

    mutating func apply(_ event: DiskEvent) {
        let name = String(event.path.split(separator: "/").last ?? "")
        var file = files[name] ?? File()
        switch event.kind {
        case .open: break
        case .sync:
            for kind in file.pending { Self.apply(kind, to: &file.stable) }
            file.pending = []
        case .write, .truncate, .delete: file.pending.append(event.kind)
        }
        files[name] = file
        if event.kind == .sync, name.hasSuffix("-wal") { settleDeletions() }
    }

    /// The first sync of a log syncs the folder, too, and a journal is deleted only before there is a log.
    private mutating func settleDeletions() {
        for (name, file) in files where file.pending.contains(.delete) {
            var stable = file.stable
            for kind in file.pending { Self.apply(kind, to: &stable) }
            files[name] = File(stable: stable)
        }
    }

    enum Loss: CaseIterable {
        /// The process was killed: everything that was written is there.
        case none
        /// Nothing that was not synced is there.
        case all
        /// Any of it is there, the last of it in part.
        case some
    }

    /// Puts the files into a new folder.
    func write(
        to folder: String, losing loss: Loss, random: inout SeededGenerator
    ) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for (name, file) in files.sorted(by: { $0.key < $1.key }) {
            var bytes = file.stable
            for (index, kind) in file.pending.enumerated() {
                let isThere = loss == .none || loss == .some && Bool.random(using: &random)
                // What is done with a name that was deleted is done with another file.
                if !isThere, kind == .delete { break }
                guard isThere else { continue }
                let isLast = index == file.pending.count - 1
                Self.apply(
                    loss == .some && isLast ? Self.torn(kind, &random) : kind, to: &bytes)
            }
            if let bytes { try Data(bytes).write(to: URL(fileURLWithPath: folder + "/" + name)) }
        }
    }

    private static func torn(
        _ kind: DiskEvent.Kind, _ random: inout SeededGenerator
    ) -> DiskEvent.Kind {
        guard case .write(let offset, let bytes) = kind else { return kind }
        let count = Int.random(in: 0...bytes.count, using: &random)
        return .write(offset: offset, bytes: Array(bytes.prefix(count)))
    }

    private static func apply(_ kind: DiskEvent.Kind, to bytes: inout [UInt8]?) {
        switch kind {
        case .open, .sync: break
        case .delete: bytes = nil
        case .truncate(let size):
            var content = bytes ?? []
            resize(&content, to: size)
            bytes = content
        case .write(let offset, let written):
            var content = bytes ?? []
            if content.count < offset + written.count {
                resize(&content, to: offset + written.count)
            }
            content.replaceSubrange(offset..<offset + written.count, with: written)
            bytes = content
        }
    }

    private static func resize(_ bytes: inout [UInt8], to size: Int) {
        if bytes.count > size {
            bytes.removeLast(bytes.count - size)
        } else {
            bytes += [UInt8](repeating: 0, count: size - bytes.count)
        }
    }
}
