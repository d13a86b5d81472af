import Glibc

import struct SystemPackage.FilePath

// `/dev/stdout` and `/dev/fd/5` are links into the folder of a process's descriptors. What stands
// behind one may be a regular file, and yet it is not a file that could be replaced: whoever names
// it means the open one, at the place in it where it is.

/// Paths that stand for descriptors of this process.
public enum OwnDescriptor {
    private static let linksMax = 40

    /// - Returns: `nil` for a path that leads elsewhere.
    public static func number(of path: String) -> Int32? {
        var path = FilePath(path)
        for _ in 0..<linksMax {
            guard let name = path.lastComponent?.string, let target = target(of: path) else {
                return nil
            }
            if isFolderOfDescriptors(path.folder), let number = Int32(name) { return number }
            path = target.isAbsolute ? target : path.folder.appending(target.components)
        }
        return nil
    }

    /// Whether a path stands for standard output, or leads to the same pipe, device or file.
    public static func isStandardOutput(_ path: String) -> Bool {
        if number(of: path) == STDOUT_FILENO { return true }
        var (named, output) = (stat(), stat())
        guard stat(path, &named) == 0, fstat(STDOUT_FILENO, &output) == 0 else { return false }
        return (named.st_dev, named.st_ino) == (output.st_dev, output.st_ino)
            && FileKind(mode: named.st_mode) != .file
    }

    private static func target(of path: FilePath) -> FilePath? {
        var bytes = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        let count = readlink(path.string, &bytes, bytes.count - 1)
        return count > 0 ? FilePath(platformString: Array(bytes[..<count]) + [0]) : nil
    }

    private static func isFolderOfDescriptors(_ folder: FilePath) -> Bool {
        guard let found = realpath(folder.string, nil) else { return false }
        defer { free(found) }
        return FilePath(platformString: found) == FilePath("/proc/\(getpid())/fd")
    }
}
