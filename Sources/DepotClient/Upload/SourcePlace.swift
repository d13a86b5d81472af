import CLinux
import DepotCore
import Glibc

import struct SystemPackage.FilePath

/// Where a file is that can be read more than once.
struct SourcePlace: Sendable {
    enum Way: Sendable {
        /// What the user named, by way of links, too.
        case named(String)
        /// What was a file when its folder was listed.
        case below(OpenFolder, FilePath)
    }

    let way: Way

    /// For messages.
    var shown: String {
        switch way {
        case .named(let path): path
        case .below(let folder, let path): folder.shown(path)
        }
    }

    /// Whether it was found in a folder.
    var isInTree: Bool { if case .below = way { true } else { false } }

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

    /// Opens a folder to see what it is like.
    func openFolder() throws(DepotError) -> (descriptor: Int32, status: stat) {
        try openBelow(O_RDONLY | O_DIRECTORY | O_NONBLOCK)
    }

    /// Finds a pipe, a socket or a device, and does not open it: the descriptor is one of a path.
    func openSpecial() throws(DepotError) -> (descriptor: Int32, special: SpecialFile, status: stat)
    {
        let (descriptor, status) = try openBelow(Int32(DEPOT_O_PATH))
        guard let special = SpecialFile(status) else {
            close(descriptor)
            throw replaced(by: FileKind(mode: status.st_mode).description)
        }
        return (descriptor, special, status)
    }

    /// Where a symbolic link leads.
    func readLink() throws(DepotError) -> (target: LinkTarget, status: stat) {
        let (descriptor, status) = try openBelow(Int32(DEPOT_O_PATH))
        defer { close(descriptor) }
        var bytes = [CChar](repeating: 0, count: LinkTarget.sizeMax + 1)
        let count = readlinkat(descriptor, "", &bytes, bytes.count)
        guard count > 0 else {
            let kind = FileKind(mode: status.st_mode)
            throw kind == .link ? .file("cannot be read", shown) : replaced(by: kind.description)
        }
        let target = bytes[..<count].map(UInt8.init(bitPattern:))
        return (try LinkTarget(EscapedName.text(of: target)), status)
    }

    private func openBelow(_ flags: Int32) throws(DepotError) -> (Int32, stat) {
        guard case .below(let folder, let path) = way else {
            throw DepotError(.internalError, "it is in no folder", object: shown)
        }
        return try checked(folder.open(path, flags))
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
            "it was something else when its folder was listed, and is \(kind) now; deposit it again",
            object: shown)
    }

    var changed: DepotError {
        DepotError(
            .conflict, "the file changed while it was read; nothing was deposited, try again",
            object: shown)
    }
}
