import CLinux
import DepotCore
import Glibc

// Every change of a replica's folder, the index aside, goes through one function, so that a test
// can record each change, cut the power between two of them, and make each one fail.

/// One change of a replica's folder.
enum FileOperation {
    /// Opens a new file for writing. With `replacing`, a file of that name may be there and is
    /// emptied; its mode stays.
    case create(path: String, mode: mode_t, replacing: Bool)
    case write(descriptor: Int32, parts: [iovec], offset: Int64)
    /// Makes the bytes and the size of a file durable, not its name.
    case sync(descriptor: Int32)
    case truncate(descriptor: Int32, size: Int64)
    /// Sets space aside; the file's size stays.
    case allocate(descriptor: Int32, size: Int64)
    case rename(from: String, to: String)
    case unlink(path: String)
    case makeFolder(path: String)
    /// Makes the names in a folder durable.
    case syncFolder(path: String)

    /// A sync that failed is final, whatever the reason: the next one can succeed though the data
    /// is gone.
    fileprivate var isSync: Bool {
        switch self {
        case .sync, .syncFolder: true
        default: false
        }
    }

    /// The folder could not even be opened, so nothing was tried that may not be tried again.
    fileprivate func isUntried(_ code: Int32) -> Bool {
        if case .syncFolder = self { DepotError.isShortage(code) } else { false }
    }
}

/// Carries out each `FileOperation`.
struct FileOperations: Sendable {
    /// Returns the system call's result, and the `errno` that it left.
    var perform: @Sendable (FileOperation) -> (result: Int, code: Int32)

    static let system = FileOperations { operation in
        let result = call(operation)
        return (result, errno)
    }

    /// - Parameters:
    ///   - what: what cannot be done, for the error's message.
    ///   - path: of the file or folder, for the error.
    /// - Throws: `storageFull`, `busy` or `storeFailed`.
    @discardableResult
    func run(
        _ operation: FileOperation, else what: String, _ path: String
    ) throws(DepotError) -> Int {
        let (result, code) = perform(operation)
        return try check(result, code: code, of: operation, else: what, path)
    }

    private func check(
        _ result: Int, code: Int32, of operation: FileOperation, else what: String,
        _ path: String
    ) throws(DepotError) -> Int {
        guard result < 0 else { return result }
        assert(code != 0, "a call failed for no reason")
        let error = DepotError.system(what, path, errno: code)
        guard operation.isSync, !operation.isUntried(code) else { throw error }
        throw DepotError(
            .storeFailed,
            "the disk did not confirm a write (\(String(cString: strerror(code)))); nothing more "
                + "is written until the replica is started again",
            object: path)
    }

    /// Writes all of it.
    func write(
        _ parts: [iovec], at offset: Int64, to descriptor: Int32, _ path: String
    ) throws(DepotError) {
        let total = parts.reduce(0) { $0 + Int($1.iov_len) }
        assert(total > 0 && offset >= 0, "nothing is written, or nowhere")
        assert(parts.count <= 1_024, "the kernel takes no more parts in one call")
        let count = try run(
            .write(descriptor: descriptor, parts: parts, offset: offset), else: "cannot write", path
        )
        try requireAll(total, written: count, path)
    }

    /// A short write means a full disk, or a limit with the same effect.
    private func requireAll(
        _ total: Int, written count: Int, _ path: String
    ) throws(DepotError) {
        guard count == total else { throw .system("cannot write all", path, errno: ENOSPC) }
    }

    /// Writes all of it past the page cache.
    ///
    /// - Parameter descriptor: one that was opened with `O_DIRECT`.
    /// - Returns: whether the file system takes such a write there; if not, nothing was written.
    func writeDirect(
        _ bytes: UnsafeMutableRawBufferPointer, at offset: Int64, to descriptor: Int32,
        _ path: String
    ) throws(DepotError) -> Bool {
        assert(!bytes.isEmpty && offset >= 0, "nothing is written, or nowhere")
        let part = iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
        let operation = FileOperation.write(
            descriptor: descriptor, parts: [part], offset: offset)
        let (result, code) = perform(operation)
        if result < 0, code == EINVAL || code == EOPNOTSUPP { return false }
        let count = try check(result, code: code, of: operation, else: "cannot write", path)
        try requireAll(bytes.count, written: count, path)
        return true
    }

    func write(
        _ bytes: [UInt8], at offset: Int64, to descriptor: Int32, _ path: String
    ) throws(DepotError) {
        let failure = bytes.withUnsafeBytes { bytes -> DepotError? in
            let part = iovec(
                iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress),
                iov_len: bytes.count)
            do throws(DepotError) {
                try write([part], at: offset, to: descriptor, path)
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
    }

    func create(
        _ path: String, mode: mode_t, replacing: Bool
    ) throws(DepotError) -> Int32 {
        Int32(
            try run(
                .create(path: path, mode: mode, replacing: replacing), else: "cannot make the file",
                path)
        )
    }

    func unlink(_ path: String) throws(DepotError) {
        try run(.unlink(path: path), else: "cannot remove the file", path)
    }

    func sync(_ descriptor: Int32, _ path: String) throws(DepotError) {
        try run(.sync(descriptor: descriptor), else: "cannot sync", path)
    }

    func syncFolder(_ path: String) throws(DepotError) {
        try run(.syncFolder(path: path), else: "cannot sync", path)
    }

    private static func call(_ operation: FileOperation) -> Int {
        switch operation {
        case .create(let path, let mode, let replacing):
            let flags = O_RDWR | O_CREAT | O_CLOEXEC | (replacing ? O_TRUNC : O_EXCL)
            return Int(open(path, flags, mode))
        case .write(let descriptor, let parts, let offset):
            return parts.withUnsafeBufferPointer {
                pwritev(descriptor, $0.baseAddress, Int32($0.count), Int(offset))
            }
        case .sync(let descriptor): return Int(fdatasync(descriptor))
        case .truncate(let descriptor, let size): return Int(ftruncate(descriptor, Int(size)))
        case .allocate(let descriptor, let size):
            return Int(fallocate(descriptor, Int32(DEPOT_FALLOC_FL_KEEP_SIZE), 0, Int(size)))
        case .rename(let from, let to): return Int(Glibc.rename(from, to))
        case .unlink(let path): return Int(Glibc.unlink(path))
        case .makeFolder(let path): return Int(mkdir(path, 0o700))
        case .syncFolder(let path):
            let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard folder >= 0 else { return -1 }
            let result = fsync(folder)
            let code = errno
            close(folder)
            errno = code
            return Int(result)
        }
    }
}

extension DepotError {
    /// What a failed system call on the store's disk means to its caller.
    static func system(_ what: String, _ path: String, errno code: Int32) -> DepotError {
        let reason = String(cString: strerror(code))
        return switch code {
        case ENOSPC, EDQUOT, EFBIG:
            DepotError(
                .storageFull, "\(what): \(reason); nothing was written, make room", object: path)
        case _ where isShortage(code):
            DepotError(
                .busy, "\(what): \(reason); try again, and raise the limit of open files",
                object: path)
        default: DepotError(.storeFailed, "\(what): \(reason)", object: path)
        }
    }

    /// Descriptors run out and come back. That says nothing of the disk.
    static func isShortage(_ code: Int32) -> Bool { code == EMFILE || code == ENFILE }
}
