import CLinux
import DepotCore
import Glibc

/// The calls that change a segment, so that a test can make each of them fail. Each returns what the system
/// call returns and leaves `errno` as it does; the second value is that `errno`.
struct DiskCalls: Sendable {
    var write: @Sendable (_ descriptor: Int32, _ parts: [iovec], _ offset: Int64) -> (Int, Int32)
    var sync: @Sendable (_ descriptor: Int32) -> (Int32, Int32)
    var truncate: @Sendable (_ descriptor: Int32, _ size: Int64) -> (Int32, Int32)
    var allocate: @Sendable (_ descriptor: Int32, _ size: Int64) -> (Int32, Int32)

    static let system = DiskCalls(
        write: { descriptor, parts, offset in
            let count = parts.withUnsafeBufferPointer {
                pwritev(descriptor, $0.baseAddress, Int32($0.count), Int(offset))
            }
            return (count, errno)
        },
        sync: { (fdatasync($0), errno) },
        truncate: { (ftruncate($0, Int($1)), errno) },
        allocate: { (fallocate($0, Int32(DEPOT_FALLOC_FL_KEEP_SIZE), 0, Int($1)), errno) })
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
