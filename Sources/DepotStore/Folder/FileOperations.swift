import CLinux
import DepotCore
import Glibc

// Whatever changes a replica's folder, but for the index, goes through one function, so that a test can note each
// change, cut the power between two of them, and make each of them fail.

/// One change of a replica's folder.
enum FileOperation {
    /// Opens a new file for writing. With `replacing` one of that name may be there and is emptied; its mode stays.
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

    /// A sync that failed is final, whatever the reason: the next one can succeed though the data is gone.
    fileprivate var isSync: Bool {
        switch self {
        case .sync, .syncFolder: true
        default: false
        }
    }
}

/// Does what `FileOperation` says.
struct FileOperations: Sendable {
    /// Gives what the system call gives, and the `errno` that it left.
    var perform: @Sendable (FileOperation) -> (result: Int, code: Int32)

    static let system = FileOperations { operation in
        let result = call(operation)
        return (result, errno)
    }

    /// - Parameters:
    ///   - what: what cannot be done, for the error's message.
    ///   - path: on what.
    /// - Throws: `storageFull` or `storeFailed`.
    @discardableResult
    func run(
        _ operation: FileOperation, _ what: String, _ path: String
    ) throws(DepotError) -> Int {
        let (result, code) = perform(operation)
        guard result < 0 else { return result }
        let error = DepotError.system(what, path, code)
        guard operation.isSync else { throw error }
        throw DepotError(
            .storeFailed,
            "the disk did not confirm a write (\(String(cString: strerror(code)))); nothing more is "
                + "written until the replica is started again",
            object: path)
    }

    /// Writes all of it.
    func write(
        _ parts: [iovec], at offset: Int64, to descriptor: Int32, _ path: String
    ) throws(DepotError) {
        let total = parts.reduce(0) { $0 + Int($1.iov_len) }
        let count = try run(
            .write(descriptor: descriptor, parts: parts, offset: offset), "cannot write", path)
        // A write that ends early has met a full disk, or a limit that is as good as one.
        guard count == total else { throw .system("cannot write all", path, ENOSPC) }
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
                .create(path: path, mode: mode, replacing: replacing), "cannot make the file", path)
        )
    }

    func unlink(_ path: String) throws(DepotError) {
        try run(.unlink(path: path), "cannot remove the file", path)
    }

    func sync(_ descriptor: Int32, _ path: String) throws(DepotError) {
        try run(.sync(descriptor: descriptor), "cannot sync", path)
    }

    func syncFolder(_ path: String) throws(DepotError) {
        try run(.syncFolder(path: path), "cannot sync", path)
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
    /// What a failed system call means to whoever asked for it.
    static func system(_ what: String, _ path: String, _ code: Int32) -> DepotError {
        let reason = String(cString: strerror(code))
        return switch code {
        case ENOSPC, EDQUOT, EFBIG:
            DepotError(
                .storageFull, "\(what): \(reason); nothing was written, make room", object: path)
        default: DepotError(.storeFailed, "\(what): \(reason)", object: path)
        }
    }
}
