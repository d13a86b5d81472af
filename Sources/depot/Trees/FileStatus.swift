import DepotClient
import DepotCore
import Glibc

/// What a path leads to.
struct FileStatus {
    private var status = stat()

    /// Of the path itself, be it a link.
    init(_ path: String) throws(DepotError) {
        guard lstat(path, &status) == 0 else { throw .file("cannot be read", path) }
    }

    init(following path: String) throws(DepotError) {
        guard stat(path, &status) == 0 else { throw .file("cannot be read", path) }
    }

    /// As a folder's entry says it: `DT_DIR`, `DT_REG` and so on.
    var kind: Int { Int(status.st_mode & S_IFMT) >> 12 }
    var isFolder: Bool { kind == DT_DIR }
    var isFile: Bool { kind == DT_REG }
    var size: UInt64 { UInt64(status.st_size) }
}
