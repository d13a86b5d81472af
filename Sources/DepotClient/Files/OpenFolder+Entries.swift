import DepotCore
import Glibc

extension OpenFolder {
    /// Something in a folder.
    public struct Entry: Sendable {
        /// Any bytes but a slash and zero.
        public let name: [UInt8]
        public let kind: FileKind
    }

    /// Hands over what is in a folder, in no order, but for `.` and `..`.
    ///
    /// - Parameter below: of the folder; empty for this one.
    /// - Throws: where it cannot be read, or not to its end: what was found before has been handed
    ///   over.
    public func forEachEntry(
        below: String, _ body: (Entry) -> Void
    ) throws(DepotError) {
        let descriptor = open(below, O_RDONLY | O_DIRECTORY | O_NONBLOCK)
        guard descriptor >= 0 else {
            let code = errno
            if code == ELOOP || code == ENOTDIR {
                throw DepotError(
                    .conflict,
                    "it was a folder when it was listed, and is something else now; try again",
                    object: shown(below))
            }
            throw .file("cannot be read", shown(below), errno: code)
        }
        guard let folder = fdopendir(descriptor) else {
            let code = errno
            close(descriptor)
            throw .file("cannot be read", shown(below), errno: code)
        }
        defer { closedir(folder) }
        while true {
            errno = 0
            guard let entry = readdir(folder) else { break }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            if name.elementsEqual(".".utf8) || name.elementsEqual("..".utf8) { continue }
            var kind = FileKind(entry: entry.pointee.d_type)
            if kind == .unknown { kind = Self.kind(of: name, in: descriptor) }
            body(Entry(name: name, kind: kind))
        }
        guard errno == 0 else { throw .file("cannot be read to its end", shown(below)) }
    }

    private static func kind(of name: [UInt8], in folder: Int32) -> FileKind {
        var status = stat()
        let text = (name + [0]).map { CChar(bitPattern: $0) }
        let found = fstatat(folder, text, &status, AT_SYMLINK_NOFOLLOW)
        return found == 0 ? FileKind(mode: status.st_mode) : .unknown
    }

    /// Bytes of a file, for a progress.
    public func size(of below: String) -> UInt64 {
        status(below).map { UInt64(clamping: $0.st_size) } ?? 0
    }
}
