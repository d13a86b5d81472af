import DepotClient
import DepotCore
import Glibc

/// What a deposit finds on the disk.
struct SourceTree {
    struct Skipped: Codable, Sendable {
        let path: String
        let why: String
    }

    private(set) var sources: [UploadSource] = []
    /// Of all files together; `nil` where that is not known.
    private(set) var bytes: UInt64?
    private(set) var skipped: [Skipped] = []
    /// Files that cannot be deposited; the others are.
    private(set) var failures: [(name: String, error: DepotError)] = []

    init(sources: [UploadSource], bytes: UInt64?) {
        self.sources = sources
        self.bytes = bytes
    }

    /// One file, under its own name unless another one is given.
    init(file path: String, name: String?) throws(DepotError) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw Self.error(path) }
        guard status.st_mode & S_IFMT != S_IFDIR else {
            throw DepotError(.invalidArgument, "it is a folder; deposit it with -r", object: path)
        }
        let own = path.split(separator: "/").last.map(String.init) ?? path
        sources = [
            UploadSource(name: try FileName(name ?? own), origin: .file(path: path))
        ]
        if status.st_mode & S_IFMT == S_IFREG { bytes = UInt64(status.st_size) }
    }

    /// Everything below a folder, in order of name.
    init(walking root: String, prefix: String?) throws(DepotError) {
        var status = stat()
        guard stat(root, &status) == 0 else { throw Self.error(root) }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw DepotError(
                .invalidArgument, "it is no folder; deposit it without -r", object: root)
        }
        if let prefix { _ = try FileName(prefix) }
        bytes = 0
        // Folders that are still to be read, with the names that their files begin with.
        var folders: [(path: String, name: String)] = [(root, prefix.map { "\($0)/" } ?? "")]
        while let folder = folders.popLast() {
            do throws(DepotError) {
                try read(folder, &folders)
            } catch {
                failures.append((folder.path, error))
            }
        }
        sources.sort { $0.name < $1.name }
    }

    private mutating func read(
        _ folder: (path: String, name: String), _ folders: inout [(path: String, name: String)]
    ) throws(DepotError) {
        guard let entries = opendir(folder.path) else { throw Self.error(folder.path) }
        defer { closedir(entries) }
        while let entry = readdir(entries) {
            let bytes = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            guard let name = String(validating: bytes, as: UTF8.self) else {
                let shown = "\(folder.path)/\(String(decoding: bytes, as: UTF8.self))"
                failures.append(
                    (
                        shown,
                        DepotError(
                            .invalidArgument, "its name is not UTF-8; rename it", object: shown)
                    ))
                continue
            }
            if name == "." || name == ".." { continue }
            visit("\(folder.path)/\(name)", folder.name + name, &folders)
        }
    }

    private mutating func visit(
        _ path: String, _ name: String, _ folders: inout [(path: String, name: String)]
    ) {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            failures.append((name, Self.error(path)))
            return
        }
        switch status.st_mode & S_IFMT {
        case S_IFDIR: folders.append((path, "\(name)/"))
        case S_IFREG:
            do throws(DepotError) {
                sources.append(UploadSource(name: try FileName(name), origin: .file(path: path)))
                bytes = (bytes ?? 0) + UInt64(status.st_size)
            } catch {
                failures.append((name, error))
            }
        case S_IFLNK: skipped.append(Skipped(path: path, why: "a symbolic link"))
        default: skipped.append(Skipped(path: path, why: "neither a file nor a folder"))
        }
    }

    private static func error(_ path: String) -> DepotError {
        let code = errno
        return DepotError(
            code == ENOENT || code == ENOTDIR ? .notFound : .invalidArgument,
            "cannot be read: \(String(cString: strerror(code)))", object: path)
    }
}
