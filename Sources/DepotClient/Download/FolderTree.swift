import CLinux
import DepotCore
import Glibc
import Synchronization

import struct SystemPackage.FilePath

/// Makes folders below a root, and never leaves it: a symbolic link in the way is an error, not a
/// way out.
///
/// What was in a folder that nobody else could enter may be readable by itself. So those that are
/// made are for their owner alone, until what the depot knows of them is restored.
public final class FolderTree: Sendable {
    /// Folders are filled one by one: this many are kept open.
    private static let openMax = 4
    /// Those that were looked through for what killed processes have left.
    private static let seenMax = 4_096

    private struct State {
        var root: OpenFolder?
        var open: [(path: FilePath, folder: OpenFolder)] = []
        var seen: Set<FilePath> = []
        var made = 0
        /// It was made, and counted.
        var isRootNew = false
    }

    private let path: String
    private let state = Mutex(State())

    /// - Parameter root: may be a link to a folder, as the user named it.
    public init(root: String) { path = root }

    /// How many folders were made of which the depot knows nothing but that names lead through them.
    public var madeCount: Int { state.withLock { $0.made } }

    /// Without it nothing can be done, and there is no need to say so of each file.
    public func makeRoot() throws(DepotError) {
        try state.withLock { state throws(DepotError) in _ = try root(&state) }
    }

    /// Where a file goes; its folders are there when this returns.
    ///
    /// - Parameter path: relative, without `..`.
    /// - Returns: the folder, and the file's name in it.
    func folder(of path: FilePath) throws(DepotError) -> (OpenFolder, FilePath.Component) {
        guard let last = path.lastComponent, Self.isBelow(path) else {
            throw DepotError(.invalidArgument, "it is no file's name", object: path.shown)
        }
        let folder = try state.withLock { state throws(DepotError) in
            try Self.folder(path.removingLastComponent(), below: try root(&state), in: &state)
        }
        return (folder, last)
    }

    private static func isBelow(_ path: FilePath) -> Bool {
        path.isRelative && path.components.allSatisfy { $0.kind == .regular }
    }

    /// What is there of that name already; nothing is made.
    func status(_ path: FilePath) throws(DepotError) -> stat? {
        guard Self.isBelow(path) else { return nil }
        return try state.withLock { state throws(DepotError) in
            if state.root == nil, access(self.path, F_OK) != 0 { return nil }
            return try root(&state).status(path)
        }
    }

    /// A regular file that is there already, open for reading; nothing is made, and nothing else is
    /// opened.
    func openedFile(_ path: FilePath) throws(DepotError) -> FileThere? {
        guard let found = try status(path), FileKind(mode: found.st_mode) == .file else {
            return nil
        }
        return try state.withLock { state throws(DepotError) in
            let root = try root(&state)
            let descriptor = root.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
            guard descriptor >= 0 else { return nil }
            var status = stat()
            guard fstat(descriptor, &status) == 0, FileKind(mode: status.st_mode) == .file else {
                close(descriptor)
                return nil
            }
            return FileThere(descriptor: descriptor, status: status, shown: root.shown(path))
        }
    }

    /// Where a symbolic link leads that is there already; `nil` where none is.
    func target(of path: FilePath) -> LinkTarget? {
        state.withLock { state in
            guard let bytes = try? root(&state).target(of: path)?.dropLast() else { return nil }
            return try? LinkTarget(EscapedName.text(of: bytes.map(UInt8.init(bitPattern:))))
        }
    }

    /// A folder that the depot knows, to be filled: it is made where it is lacking, and where its
    /// owner may not write to it, its mode is changed.
    ///
    /// - Parameter path: empty for the root.
    func enter(_ path: FilePath) throws(DepotError) {
        guard Self.isBelow(path) else {
            throw DepotError(.invalidArgument, "it is no folder's name", object: path.shown)
        }
        try state.withLock { state throws(DepotError) in
            let root = try root(&state)
            guard let name = path.lastComponent else {
                if state.isRootNew { state.made -= 1 }
                state.isRootNew = false
                return root.makeWritable("")
            }
            let parent = try Self.folder(path.removingLastComponent(), below: root, in: &state)
            let isNew = name.withPlatformString { mkdirat(parent.descriptor, $0, 0o700) == 0 }
            guard isNew || errno == EEXIST else {
                throw .file("cannot make the folder", parent.shown(FilePath(name)))
            }
            if isNew { state.seen.insert(path) } else { parent.makeWritable(FilePath(name)) }
        }
    }

    /// A folder that is there, to be given what the depot knows of it.
    func opened(_ path: FilePath) throws(DepotError) -> OpenFolder {
        try state.withLock { state throws(DepotError) in
            let root = try root(&state)
            return path.isEmpty ? root : try root.opening(path)
        }
    }

    private func root(_ state: inout State) throws(DepotError) -> OpenFolder {
        if let root = state.root { return root }
        let isNew = mkdir(path, 0o700) == 0
        guard isNew || errno == EEXIST else { throw .file("cannot make the folder", path) }
        var status = stat()
        guard isNew || stat(path, &status) == 0 && FileKind(mode: status.st_mode) == .folder else {
            throw Self.inTheWay(path)
        }
        let root = try OpenFolder(named: path)
        if isNew { (state.made, state.isRootNew) = (1, true) }
        state.root = root
        return root
    }

    private static func folder(
        _ path: FilePath, below root: OpenFolder, in state: inout State
    ) throws(DepotError) -> OpenFolder {
        if let known = state.open.first(where: { $0.path == path }) { return known.folder }
        let (folder, made) = try path.isEmpty ? (root, 0) : root.making(path)
        state.made += made
        if state.seen.count >= seenMax { state.seen.removeAll() }
        if state.seen.insert(path).inserted, made == 0 { PartFile.removeLeft(in: folder) }
        if state.open.count >= openMax { state.open.removeFirst() }
        state.open.append((path, folder))
        return folder
    }

    static func inTheWay(_ path: String) -> DepotError {
        DepotError(
            .invalidArgument,
            "a file or a symbolic link is where a folder has to be; move it away", object: path)
    }
}

extension OpenFolder {
    /// A folder below, which is made where it is lacking, with all on its way.
    ///
    /// - Returns: how many were made, too.
    fileprivate func making(_ below: FilePath) throws(DepotError) -> (OpenFolder, made: Int) {
        let found = open(below, O_RDONLY | O_DIRECTORY)
        if found >= 0 { return (OpenFolder(descriptor: found, shown(below), self), 0) }
        guard errno == ENOENT else { throw inTheWay(errno, below) }
        var (folder, made) = (self, 0)
        for part in below.components {
            let name = FilePath(part)
            if name.withPlatformString({ mkdirat(folder.descriptor, $0, 0o700) }) == 0 {
                made += 1
            } else if errno != EEXIST {
                throw .file("cannot make the folder", folder.shown(name))
            }
            folder = try folder.opening(name)
        }
        return (folder, made)
    }

    fileprivate func opening(_ below: FilePath) throws(DepotError) -> OpenFolder {
        let found = open(below, O_RDONLY | O_DIRECTORY)
        guard found >= 0 else { throw inTheWay(errno, below) }
        return OpenFolder(descriptor: found, shown(below), self)
    }

    /// Lets the owner of a folder fill it, which root can do anyway. What cannot be changed shows
    /// when that is tried.
    fileprivate func makeWritable(_ below: FilePath) {
        guard geteuid() != 0 else { return }
        let found = open(below, Int32(DEPOT_O_PATH) | O_DIRECTORY)
        guard found >= 0 else { return }
        defer { close(found) }
        var status = stat()
        guard fstat(found, &status) == 0, status.st_uid == geteuid(),
            status.st_mode & 0o700 != 0o700
        else { return }
        // What is open as a mere path has no other way to its mode.
        chmod("/proc/self/fd/\(found)", status.st_mode & 0o7777 | 0o700)
    }

    private func inTheWay(_ code: Int32, _ below: FilePath) -> DepotError {
        switch code {
        case ELOOP, ENOTDIR, EXDEV: FolderTree.inTheWay(shown(below))
        default: .file("cannot be opened", shown(below), errno: code)
        }
    }
}
