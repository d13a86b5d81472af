#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

// One table from what the system says to what depot says: the same cause has the same exit code
// wherever it is met, in the client, in its files and when a daemon starts. Usage is none of them:
// a disk that cannot be read is no mistake on the command line. (A store's own disk is another
// matter: there a failure also decides whether anything more is written.)

extension DepotError.Code {
    /// - Parameter cause: an `errno`, of a call that concerned a file, a folder, a stream or a
    ///   socket of this machine.
    public init(errno cause: Int32) {
        self =
            switch cause {
            case ENOENT, ENOTDIR, ENXIO, ENODEV: .notFound
            case EEXIST, ENOTEMPTY, EBUSY, ETXTBSY: .conflict
            case ENOSPC, EDQUOT: .storageFull
            case EPIPE: .readerGone
            case EMFILE, ENFILE, ENOMEM, ENOBUFS, EAGAIN: .busy
            case EADDRINUSE, EADDRNOTAVAIL, ECONNREFUSED, ECONNRESET, ECONNABORTED, ENOTCONN,
                ETIMEDOUT, EHOSTUNREACH, EHOSTDOWN, ENETUNREACH, ENETDOWN:
                .unreachable
            // EIO, EACCES, EPERM, EROFS, ENAMETOOLONG, ELOOP, EISDIR, EFBIG, EBADF, ESTALE,
            // ENOTSUP, EINVAL and the like.
            default: .fileFailed
            }
    }
}

extension DepotError {
    /// What a failed system call means.
    ///
    /// - Parameters:
    ///   - what: what cannot be done, as `cannot be read`.
    ///   - object: a path, or what a stream is called.
    public static func file(
        _ what: String, _ object: String, errno cause: Int32 = errno
    ) -> DepotError {
        let reason = String(cString: strerror(cause))
        return DepotError(Code(errno: cause), "\(what): \(reason)", object: object)
    }
}
