import DepotCore
import Glibc
import Synchronization

import struct SystemPackage.FilePath

/// Makes folders below a root, and never leaves it: a symbolic link in the way is an error, not a way out.
final class FolderTree: Sendable {
    /// Folders are filled one by one: this many are remembered.
    private static let madeMax = 4_096

    private let root: FilePath
    /// Folders that were found to be some.
    private let made = Mutex<Set<FilePath>>([])

    init(root: String) { self.root = FilePath(root) }

    /// Without it nothing can be done, and there is no need to say so of each file.
    func makeRoot() throws(DepotError) { try make(root, mayBeLink: true) }

    /// Where a file goes; its folders are there when this returns.
    func path(for name: String) throws(DepotError) -> String {
        try makeRoot()
        var path = root
        let parts = FilePath(name).components
        for part in parts.dropLast() {
            path.append(part)
            try make(path, mayBeLink: false)
        }
        if let last = parts.last { path.append(last) }
        return path.string
    }

    private func make(_ path: FilePath, mayBeLink: Bool) throws(DepotError) {
        if made.withLock({ $0.contains(path) }) { return }
        try Self.makeNow(path.string, mayBeLink: mayBeLink)
        made.withLock { made in
            if made.count >= Self.madeMax { made.removeAll() }
            made.insert(path)
        }
    }

    private static func makeNow(_ path: String, mayBeLink: Bool) throws(DepotError) {
        if mkdir(path, 0o777) == 0 { return }
        guard errno == EEXIST else {
            throw DepotError(
                .invalidArgument, "cannot make the folder: \(String(cString: strerror(errno)))",
                object: path)
        }
        let status = try? mayBeLink ? FileStatus(following: path) : FileStatus(path)
        guard status?.isFolder == true else {
            throw DepotError(
                .invalidArgument,
                "a file or a symbolic link is where a folder has to be; move it away", object: path)
        }
    }
}
