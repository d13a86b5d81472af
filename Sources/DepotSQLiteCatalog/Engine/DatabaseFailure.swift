import DepotCore
import GRDB

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What SQLite's errors mean to the operator.
enum DatabaseFailure {
    static func mapped(_ error: any Error, path: String) -> DepotError {
        if let error = error as? DepotError { return error }
        guard let failure = error as? DatabaseError else {
            return DepotError(
                .internalError, "the catalog failed in a way it does not know", object: path,
                cause: error)
        }
        let (code, message) = meaning(of: resultCode(of: failure))
        return DepotError(code, message, object: path, cause: failure)
    }

    /// Whether something in the file is not what was written there.
    static func isDamage(_ error: any Error) -> Bool {
        switch (error as? DatabaseError).map(resultCode) {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_FORMAT: true
        default: false
        }
    }

    private static func resultCode(of failure: DatabaseError) -> ResultCode {
        // A sum in SQL that overflows: every number in it was written by depot, and far smaller.
        let isOverflow =
            failure.resultCode == .SQLITE_ERROR && failure.message == "integer overflow"
        return isOverflow ? .SQLITE_CORRUPT : failure.resultCode
    }

    /// SQLite does not say why a file could not be opened.
    private static var isShortOfDescriptors: Bool {
        let probe = open("/dev/null", O_RDONLY | O_CLOEXEC)
        guard probe < 0 else {
            close(probe)
            return false
        }
        return errno == EMFILE || errno == ENFILE
    }

    private static func meaning(of code: ResultCode) -> (DepotError.Code, String) {
        switch code {
        case .SQLITE_FULL:
            (
                .storageFull,
                "the catalog's disk is full; nothing was changed. Make room, then try again"
            )
        case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_FORMAT:
            (
                .storeFailed,
                "the catalog is damaged. Stop the FileServer, set the file aside and run "
                    + "'depot rebuild-catalog', which makes it again from the replicas"
            )
        case .SQLITE_IOERR:
            (
                .storeFailed,
                "the catalog's disk failed; it takes no changes until it is opened again. "
                    + "Look at the kernel's log and the disk, then restart the FileServer"
            )
        case .SQLITE_CANTOPEN where isShortOfDescriptors:
            (
                .busy,
                "no more files can be opened now; nothing was changed. Try again, and raise the "
                    + "limit of open files"
            )
        case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_READONLY, .SQLITE_AUTH:
            (
                .storeFailed,
                "the catalog cannot be opened or written. Give the FileServer's user the right "
                    + "to read and write this folder and what is in it"
            )
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            (
                .busy,
                "another program has the catalog locked; nothing was changed. Close it and try "
                    + "again"
            )
        case .SQLITE_MISUSE:
            (.storeFailed, "the catalog is closed")
        case .SQLITE_NOMEM:
            (.busy, "there was no memory for this; nothing was changed. Try again later")
        default:
            (.internalError, "the catalog refused a statement; this is a mistake in depot")
        }
    }
}
