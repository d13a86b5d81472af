import Glibc
import Logging

// What lies in a data folder may be all that is left of something, and is nobody else's to read.
// Files are made so; what an older depot has made, or somebody has copied back, may be open to all.

/// The folder of a daemon, as the file system shows it.
struct DataFolder {
    let path: String

    private static let files = ["catalog", "index.sqlite", "depot-replica.json"]
    private static let folders = ["segments", "torn"]

    /// Takes from everybody else what files and folders of depot's allow them. The folder itself is
    /// the operator's: it is told about.
    func close(to logger: Logger) {
        for name in Self.names(in: path) {
            if Self.folders.contains(name) {
                Self.close("\(path)/\(name)", kind: S_IFDIR, to: logger)
                for inner in Self.names(in: "\(path)/\(name)") {
                    Self.close("\(path)/\(name)/\(inner)", kind: S_IFREG, to: logger)
                }
            } else if Self.files.contains(where: name.hasPrefix) {
                Self.close("\(path)/\(name)", kind: S_IFREG, to: logger)
            }
        }
        var status = stat()
        if lstat(path, &status) == 0, status.st_mode & 0o077 != 0 {
            logger.notice(
                "other users may list the data folder; chmod 700 it", metadata: ["path": "\(path)"])
        }
    }

    /// Links are left alone, and so is what cannot be changed: then it is told.
    private static func close(_ path: String, kind: mode_t, to logger: Logger) {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == kind,
            status.st_mode & 0o077 != 0
        else { return }
        guard chmod(path, status.st_mode & 0o700) != 0 else { return }
        let reason = String(cString: strerror(errno))
        logger.warning(
            "other users may read this, and it cannot be changed: \(reason)",
            metadata: ["path": "\(path)"])
    }

    private static func names(in folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
