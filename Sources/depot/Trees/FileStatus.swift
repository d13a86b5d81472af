import DepotClient
import DepotCore
import Glibc

/// What a path that the user named leads to.
struct FileStatus {
    private var status = stat()

    init(following path: String) throws(DepotError) {
        guard stat(path, &status) == 0 else { throw .file("cannot be read", path) }
    }

    var isFolder: Bool { status.st_mode & S_IFMT == S_IFDIR }
    var isFile: Bool { status.st_mode & S_IFMT == S_IFREG }
    var size: UInt64 { UInt64(clamping: status.st_size) }
}
