import DepotCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Holds an `flock` on a folder while it lives, so that two FileServers never write one catalog.
final class FolderLock: Sendable {
    private let descriptor: Int32
    /// Deleted, files and folder, when the lock goes.
    private let temporary: (folder: String, files: [String])?

    /// Makes the folder where it is missing.
    ///
    /// - Throws: `conflict` where another process, or another catalog of this one, holds it.
    init(folder: String, temporaryFiles: [String]? = nil) throws(DepotError) {
        temporary = temporaryFiles.map { (folder, $0) }
        let made = mkdir(folder, 0o700) == 0
        guard made || errno == EEXIST else {
            throw .file("the data folder cannot be made", folder)
        }
        descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw .file("the data folder cannot be opened", folder)
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let error =
                errno == EWOULDBLOCK
                ? DepotError(
                    .conflict,
                    "another FileServer uses this data folder; stop it, or name another folder",
                    object: folder)
                : Self.failure("the data folder cannot be locked", folder)
            close(descriptor)
            throw error
        }
        if made { try syncParent(of: folder) }
    }

    deinit {
        if let temporary {
            for file in temporary.files { unlink(temporary.folder + "/" + file) }
            rmdir(temporary.folder)
        }
        release()
        close(descriptor)
    }

    /// Unlocks the folder. Closing the descriptor would not do: a child process that is being
    /// started has the descriptor, too, for a moment, and the folder would stay locked.
    func release() { flock(descriptor, LOCK_UN) }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Makes the names in the folder durable.
    func sync(_ folder: String) throws(DepotError) {
        guard fsync(descriptor) == 0 else {
            throw Self.failure("the data folder cannot be made durable", folder)
        }
    }

    private func syncParent(of folder: String) throws(DepotError) {
        let parent = open(folder + "/..", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { close(parent) }
        guard parent >= 0, fsync(parent) == 0 else {
            throw Self.failure("the folder around the data folder cannot be made durable", folder)
        }
    }

    private static func failure(_ what: String, _ folder: String) -> DepotError {
        let reason = String(cString: strerror(errno))
        return DepotError(.storeFailed, "\(what): \(reason)", object: folder)
    }
}
