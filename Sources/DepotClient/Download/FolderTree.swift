import DepotCore
import Glibc
import Synchronization

import struct SystemPackage.FilePath

/// Makes folders below a root, and never leaves it: a symbolic link in the way is an error, not a
/// way out.
///
/// Modes of folders are not deposited, and what was in one that nobody else could enter may be
/// readable by itself. So those that are made are for their owner alone.
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
    }

    private let path: String
    private let state = Mutex(State())

    /// - Parameter root: may be a link to a folder, as the user named it.
    public init(root: String) { path = root }

    /// How many folders were made.
    public var madeCount: Int { state.withLock { $0.made } }

    /// Without it nothing can be done, and there is no need to say so of each file.
    public func makeRoot() throws(DepotError) {
        try state.withLock { state throws(DepotError) in _ = try root(&state) }
    }

    /// Where a file goes; its folders are there when this returns.
    ///
    /// - Parameter name: relative, without `..`.
    /// - Returns: the folder, and the file's name in it.
    func folder(of name: String) throws(DepotError) -> (OpenFolder, String) {
        let path = FilePath(name)
        guard let last = path.lastComponent, path.isRelative,
            path.components.allSatisfy({ $0.kind == .regular })
        else {
            throw DepotError(.invalidArgument, "it is no file's name", object: name)
        }
        let folder = try state.withLock { state throws(DepotError) in
            try Self.folder(path.removingLastComponent(), below: try root(&state), in: &state)
        }
        return (folder, last.string)
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
        if isNew { state.made += 1 }
        state.root = root
        return root
    }

    private static func folder(
        _ path: FilePath, below root: OpenFolder, in state: inout State
    ) throws(DepotError) -> OpenFolder {
        if let known = state.open.first(where: { $0.path == path }) { return known.folder }
        let (folder, made) = try path.isEmpty ? (root, 0) : root.making(path.string)
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
    fileprivate func making(_ below: String) throws(DepotError) -> (OpenFolder, made: Int) {
        let found = open(below, O_RDONLY | O_DIRECTORY)
        if found >= 0 { return (OpenFolder(descriptor: found, shown(below), self), 0) }
        guard errno == ENOENT else { throw inTheWay(errno, below) }
        var (folder, made) = (self, 0)
        for part in FilePath(below).components {
            let name = part.string
            if mkdirat(folder.descriptor, name, 0o700) == 0 {
                made += 1
            } else if errno != EEXIST {
                throw .file("cannot make the folder", folder.shown(name))
            }
            let next = folder.open(name, O_RDONLY | O_DIRECTORY)
            guard next >= 0 else { throw folder.inTheWay(errno, name) }
            folder = OpenFolder(descriptor: next, folder.shown(name), self)
        }
        return (folder, made)
    }

    private func inTheWay(_ code: Int32, _ below: String) -> DepotError {
        switch code {
        case ELOOP, ENOTDIR, EXDEV: FolderTree.inTheWay(shown(below))
        default: .file("cannot be opened", shown(below), errno: code)
        }
    }
}
