import DepotCore

/// The one table from error code to HTTP status and exit code. `depot --help` prints it.
public struct ErrorTable {
    public struct Row: Sendable {
        public let status: Int
        public let exitCode: Int32
    }

    public static func row(for code: DepotError.Code) -> Row {
        switch code {
        case .noGoodCopy: Row(status: 500, exitCode: 2)
        case .hashMismatch: Row(status: 422, exitCode: 2)
        case .notFound: Row(status: 404, exitCode: 3)
        case .conflict: Row(status: 409, exitCode: 4)
        case .leaseEnded: Row(status: 410, exitCode: 4)
        case .clusterMismatch: Row(status: 421, exitCode: 4)
        case .epochStale: Row(status: 412, exitCode: 4)
        case .formatUnsupported: Row(status: 501, exitCode: 4)
        case .notEnoughReplicas: Row(status: 503, exitCode: 5)
        case .unauthorized: Row(status: 401, exitCode: 6)
        case .forbidden: Row(status: 403, exitCode: 6)
        case .storageFull: Row(status: 507, exitCode: 7)
        case .unreachable: Row(status: 504, exitCode: 8)
        case .misbehaving: Row(status: 502, exitCode: 8)
        case .busy: Row(status: 429, exitCode: 8)
        case .storeFailed: Row(status: 503, exitCode: 8)
        case .invalidArgument: Row(status: 400, exitCode: 64)
        case .tooLarge: Row(status: 413, exitCode: 64)
        case .manifestInvalid: Row(status: 422, exitCode: 64)
        case .fileFailed: Row(status: 500, exitCode: 74)
        // As the shell has it for who is ended by SIGPIPE.
        case .readerGone: Row(status: 500, exitCode: 141)
        case .internalError: Row(status: 500, exitCode: 70)
        }
    }
}
