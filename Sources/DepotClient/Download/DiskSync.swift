import CLinux
import DepotCore
import Glibc

// A sync of one file waits for the disk, and on most file systems for everybody else's changes of names as well. For
// many small files one sync of the whole file system is the same promise for a fraction of that.

/// Makes files and names durable.
struct DiskSync: Sendable {
    /// A descriptor, and what errors call it.
    typealias Opened = (descriptor: Int32, path: String)

    /// With fewer, each is synced by itself: others may have much more to write.
    private static let togetherMin = 8

    /// Makes files or folders durable, on any number of file systems.
    var files: @Sendable ([Opened]) throws(DepotError) -> Void

    static let system = DiskSync { files throws(DepotError) in try sync(files) }

    private static func sync(_ files: [Opened]) throws(DepotError) {
        guard files.count >= togetherMin, tellsOfErrors else {
            for (descriptor, path) in files where fsync(descriptor) != 0 {
                throw .file("cannot be made durable", path)
            }
            return
        }
        var devices: Set<dev_t> = []
        for (descriptor, path) in files {
            var status = stat()
            guard fstat(descriptor, &status) == 0 else {
                throw .file("cannot be made durable", path)
            }
            guard devices.insert(status.st_dev).inserted else { continue }
            guard syncfs(descriptor) == 0 else { throw .file("cannot be made durable", path) }
        }
    }

    func folders(_ folders: [String]) throws(DepotError) {
        var opened: [Opened] = []
        defer { for (descriptor, _) in opened { close(descriptor) } }
        for folder in folders {
            let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard descriptor >= 0 else { throw .file("cannot be made durable", folder) }
            opened.append((descriptor, folder))
        }
        try files(opened)
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
