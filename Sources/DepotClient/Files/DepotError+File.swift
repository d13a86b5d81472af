import DepotCore
import Glibc

extension DepotError {
    /// What went wrong with a file of the user's.
    public static func file(_ what: String, _ path: String, _ code: Int32 = errno) -> DepotError {
        let kind: Code =
            switch code {
            case ENOENT, ENOTDIR: .notFound
            case ENOSPC, EDQUOT: .storageFull
            default: .invalidArgument
            }
        return DepotError(kind, "\(what): \(String(cString: strerror(code)))", object: path)
    }
}
