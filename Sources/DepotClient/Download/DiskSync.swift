import CLinux
import DepotCore
import Glibc

// A sync of one file waits for the disk, and on most file systems for everybody else's changes of
// names as well. For many small files one sync of the whole file system is the same promise for a
// fraction of that. Some file systems, such as shares and those of programs, have no sync at all:
// that is no reason not to give anybody his bytes.

/// Makes files and names durable.
struct DiskSync: Sendable {
    /// A descriptor, and what errors call it.
    typealias Opened = (descriptor: Int32, path: String)

    /// With fewer, each is synced by itself: others may have much more to write.
    private static let togetherMin = 8

    /// Makes files or folders durable, on any number of file systems.
    ///
    /// - Returns: whether all of them can do that at all.
    /// - Throws: where it failed: what was written may be lost.
    var files: @Sendable ([Opened]) throws(DepotError) -> Bool

    static let system = DiskSync { files throws(DepotError) in try sync(files) }

    private static func sync(_ files: [Opened]) throws(DepotError) -> Bool {
        guard files.count >= togetherMin, tellsOfErrors else {
            var canAll = true
            for (descriptor, path) in files where fsync(descriptor) != 0 {
                try check(errno, path)
                canAll = false
            }
            return canAll
        }
        var devices: Set<dev_t> = []
        var canAll = true
        for (descriptor, path) in files {
            var status = stat()
            guard fstat(descriptor, &status) == 0 else {
                throw .file("cannot be made durable", path)
            }
            guard devices.insert(status.st_dev).inserted else { continue }
            if syncfs(descriptor) != 0 {
                try check(errno, path)
                canAll = false
            }
        }
        return canAll
    }

    private static func check(_ code: Int32, _ path: String) throws(DepotError) {
        guard isRefusal(code) else { throw .file("cannot be made durable", path, errno: code) }
    }

    /// Whether a file system says that it has no such thing, and not that it failed in it.
    static func isRefusal(_ code: Int32) -> Bool {
        [EINVAL, ENOSYS, ENOTSUP, EROFS, EPERM, EACCES, ENOTTY].contains(code)
    }

    func folders(_ folders: [OpenFolder]) throws(DepotError) -> Bool {
        try files(folders.map { ($0.descriptor, $0.path) })
    }

    /// Before Linux 5.8 `syncfs` said that all was well though bytes could not be written.
    private static let tellsOfErrors: Bool = {
        var system = utsname()
        guard uname(&system) == 0 else { return false }
        let release = withUnsafeBytes(of: system.release) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        let numbers = release.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
        return numbers.count == 2 && (numbers[0], numbers[1]) >= (5, 8)
    }()
}
