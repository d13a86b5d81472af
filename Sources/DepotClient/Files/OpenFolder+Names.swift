import CLinux
import DepotCore
import Glibc

import struct SystemPackage.FilePath

// What has a name in a folder is looked at and replaced by the folder's descriptor.

extension OpenFolder {
    /// A file and a link are replaced; what else is there was put there by somebody.
    func requireReplaceable(_ name: FilePath.Component) throws(DepotError) {
        let path = FilePath(name)
        switch status(path).map({ FileKind(mode: $0.st_mode) }) {
        case nil, .file, .link: return
        case .folder:
            throw DepotError(
                .invalidArgument, "there is a folder of this name; move it away",
                object: shown(path))
        case .some(let kind):
            throw DepotError(
                .invalidArgument,
                "there is \(kind) of this name, which is left alone; move it away",
                object: shown(path))
        }
    }

    /// Where a symbolic link in it leads.
    func target(of below: FilePath) -> [CChar]? {
        let found = open(below, Int32(DEPOT_O_PATH))
        guard found >= 0 else { return nil }
        defer { close(found) }
        var bytes = [CChar](repeating: 0, count: LinkTarget.sizeMax + 1)
        let count = readlinkat(found, "", &bytes, bytes.count)
        return count > 0 ? Array(bytes[..<count]) + [0] : nil
    }

    /// Takes away a file or a link.
    ///
    /// - Returns: whether it was there.
    public func remove(_ below: FilePath) throws(DepotError) -> Bool {
        switch try unlink(below, 0) {
        case 0: return true
        case ENOENT: return false
        case let code: throw .file("cannot be deleted", shown(below), errno: code)
        }
    }

    /// Takes away a folder with nothing in it.
    ///
    /// - Returns: whether there was one.
    public func removeEmptyFolder(_ below: FilePath) throws(DepotError) -> Bool {
        switch try unlink(below, AT_REMOVEDIR) {
        case 0: return true
        case ENOENT, ENOTEMPTY, EEXIST, ENOTDIR: return false
        case let code: throw .file("cannot be deleted", shown(below), errno: code)
        }
    }

    /// - Returns: 0, or an `errno`.
    private func unlink(_ below: FilePath, _ flags: Int32) throws(DepotError) -> Int32 {
        guard let name = below.lastComponent else {
            throw DepotError(.invalidArgument, "it is no file's name", object: below.shown)
        }
        let parent = open(below.removingLastComponent(), O_RDONLY | O_DIRECTORY)
        guard parent >= 0 else { return errno }
        defer { close(parent) }
        return name.withPlatformString { unlinkat(parent, $0, flags) == 0 ? 0 : errno }
    }

    /// Gives a new name its final one, in place of what has that; both stay in this folder.
    func rename(_ fresh: FilePath, to name: FilePath.Component) throws(DepotError) {
        let renamed = fresh.withPlatformString { old in
            name.withPlatformString { renameat(descriptor, old, descriptor, $0) }
        }
        let code = errno
        // Two names of one file are both left by the kernel.
        fresh.withPlatformString { _ = unlinkat(descriptor, $0, 0) }
        guard renamed == 0 else {
            throw .file("cannot be given its name", shown(FilePath(name)), errno: code)
        }
    }
}

extension LinkTarget {
    /// As the kernel takes it: it may end in a slash.
    var platformString: [CChar] {
        EscapedName.bytes(of: text).map(CChar.init(bitPattern:)) + [0]
    }
}
