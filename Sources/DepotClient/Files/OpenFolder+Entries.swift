import DepotCore
import Glibc

import struct SystemPackage.FilePath

extension OpenFolder {
    /// Something in a folder.
    public struct Entry: Sendable {
        /// Any bytes, be they UTF-8 or not.
        public let name: FilePath.Component
        public let kind: FileKind

        public init(name: FilePath.Component, kind: FileKind) {
            self.name = name
            self.kind = kind
        }
    }

    /// Hands over what is in a folder, in no order, but for `.` and `..`.
    ///
    /// - Parameter below: of the folder; empty for this one.
    /// - Throws: where it cannot be read, or not to its end: what was found before has been handed
    ///   over.
    public func forEachEntry(
        below: FilePath, _ body: (Entry) -> Void
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
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                bytes.assumingMemoryBound(to: CChar.self).baseAddress.flatMap {
                    FilePath.Component(platformString: $0)
                }
            }
            guard let name, name.kind == .regular else { continue }
            var kind = FileKind(entry: entry.pointee.d_type)
            if kind == .unknown { kind = Self.kind(of: name, in: descriptor) }
            body(Entry(name: name, kind: kind))
        }
        guard errno == 0 else { throw .file("cannot be read to its end", shown(below)) }
    }

    private static func kind(of name: FilePath.Component, in folder: Int32) -> FileKind {
        var status = stat()
        let found = name.withPlatformString {
            fstatat(folder, $0, &status, AT_SYMLINK_NOFOLLOW)
        }
        return found == 0 ? FileKind(mode: status.st_mode) : .unknown
    }

    /// Bytes of a file, for a progress.
    public func size(of below: FilePath) -> UInt64 {
        status(below).map { UInt64(clamping: $0.st_size) } ?? 0
    }

    /// What is there of that name, be it a link; `nil` where nothing is.
    public func kind(of below: FilePath) -> FileKind? {
        status(below).map { FileKind(mode: $0.st_mode) }
    }

    /// What tells a folder from all others.
    public struct Identity: Sendable, Hashable {
        fileprivate let device: dev_t
        fileprivate let inode: ino_t
    }

    public func identity(of below: FilePath) -> Identity? {
        status(below).map { Identity(device: $0.st_dev, inode: $0.st_ino) }
    }

    /// The file system that it is on.
    public func device(of below: FilePath) -> UInt64? { status(below).map { UInt64($0.st_dev) } }

    /// The first bytes of a regular file; fewer where it is shorter, none where it is none.
    public func beginning(of below: FilePath, count: Int) -> [UInt8] {
        guard kind(of: below) == .file else { return [] }
        let opened = open(below, O_RDONLY | O_NONBLOCK)
        guard opened >= 0 else { return [] }
        defer { close(opened) }
        var bytes = [UInt8](repeating: 0, count: count)
        let found = read(opened, &bytes, count)
        return Array(bytes.prefix(max(0, found)))
    }
}
