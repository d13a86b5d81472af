import DepotCore
import Glibc

/// Where a file is that can be read more than once.
struct SourcePlace: Sendable {
    enum Way: Sendable {
        /// What the user named, by way of links, too.
        case named(String)
        /// What was a file when its folder was listed.
        case below(OpenFolder, String)
    }

    let way: Way

    /// For messages.
    var shown: String {
        switch way {
        case .named(let path): path
        case .below(let folder, let path): folder.shown(path)
        }
    }

    /// Opens what is there for reading. Devices and pipes are what the user wants where he named
    /// them, and nowhere else.
    ///
    /// - Throws: `conflict` where another thing has taken the file's place.
    func open() throws(DepotError) -> (descriptor: Int32, status: stat) {
        guard case .named(let path) = way else { return try openFile() }
        let (descriptor, status) = try checked(Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY))
        if FileKind(mode: status.st_mode) == .folder {
            close(descriptor)
            throw DepotError(.invalidArgument, "it is a folder; use -r", object: path)
        }
        return (descriptor, status)
    }

    /// Opens a regular file, and waits for nothing: a pipe that has taken its place may have no
    /// writer.
    func openFile() throws(DepotError) -> (descriptor: Int32, status: stat) {
        let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC
        let (descriptor, status) =
            switch way {
            case .named(let path): try checked(Glibc.open(path, flags))
            case .below(let folder, let path): try checked(folder.open(path, flags))
            }
        let kind = FileKind(mode: status.st_mode)
        guard kind == .file else {
            close(descriptor)
            throw replaced(by: kind.description)
        }
        return (descriptor, status)
    }

    private func checked(
        _ descriptor: Int32
    ) throws(DepotError) -> (descriptor: Int32, status: stat) {
        guard descriptor >= 0 else {
            switch errno {
            case ELOOP, ENOTDIR: throw replaced(by: "a symbolic link, or below one,")
            case ENXIO, ENODEV: throw replaced(by: "a socket or a device")
            case let code: throw .file("cannot be read", shown, errno: code)
            }
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            let code = errno
            close(descriptor)
            throw .file("cannot be read", shown, errno: code)
        }
        return (descriptor, status)
    }

    private func replaced(by kind: String) -> DepotError {
        guard case .below = way else {
            return DepotError(.conflict, "it is \(kind) by now; try again", object: shown)
        }
        return DepotError(
            .conflict,
            "it was a file when its folder was listed, and is \(kind) now; deposit it again",
            object: shown)
    }

    var changed: DepotError {
        DepotError(
            .conflict, "the file changed while it was read; nothing was deposited, try again",
            object: shown)
    }
}
