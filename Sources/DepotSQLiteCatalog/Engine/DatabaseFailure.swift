import DepotCore
import GRDB

/// What SQLite's errors mean to the operator.
enum DatabaseFailure {
    static func mapped(_ error: any Error, path: String) -> DepotError {
        if let error = error as? DepotError { return error }
        guard let failure = error as? DatabaseError else {
            return DepotError(
                .internalError, "the catalog failed in a way it does not know", object: path,
                cause: error)
        }
        let (code, message) = meaning(of: failure.resultCode)
        return DepotError(code, message, object: path, cause: failure)
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
        case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_READONLY, .SQLITE_AUTH:
            (
                .storeFailed,
                "the catalog cannot be opened or written. Give the FileServer's user the right "
                    + "to read and write this folder and what is in it"
            )
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            (
                .busy,
                "another program has the catalog locked; nothing was changed. Close it and try again"
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
