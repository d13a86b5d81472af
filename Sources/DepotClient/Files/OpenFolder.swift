import CLinux
import DepotCore
import Glibc

import struct SystemPackage.FilePath

// Between the moment that a path is looked at and the moment that it is used, whoever may write to
// a folder on its way can put a link there. So everything below a folder that the user named is
// found from the folder's descriptor, and a link on the way is an error, wherever it leads. One
// descriptor serves a tree of any depth.

/// A folder that is open, with everything below it and nothing else.
public final class OpenFolder: Sendable {
    /// How a path below it is followed.
    enum Way {
        /// By one call of the kernel's, since Linux 5.6.
        case atOnce
        case partByPart
    }

    /// For messages.
    public let path: String
    let descriptor: Int32
    private let way: Way

    /// Follows links: it is what the user named.
    public convenience init(named path: String) throws(DepotError) {
        try self.init(named: path, way: Self.systemsWay)
    }

    init(named path: String, way: Way) throws(DepotError) {
        descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .file("cannot be opened", path) }
        self.path = path
        self.way = way
    }

    /// A folder below another one.
    init(descriptor: Int32, _ path: String, _ parent: OpenFolder) {
        self.descriptor = descriptor
        self.path = path
        way = parent.way
    }

    deinit { close(descriptor) }

    /// What a path below it is called.
    public func shown(_ below: FilePath) -> String {
        below.isEmpty ? path : "\(path)/\(below.shown)"
    }

    /// As `open(2)`, but never by way of a link: where the path or a part of it is one, `errno` is
    /// `ELOOP` or `ENOTDIR`.
    ///
    /// - Parameter below: relative, without `..`; the folder itself where it is empty.
    /// - Returns: a descriptor, or -1 with `errno`.
    func open(_ below: FilePath, _ flags: Int32, mode: mode_t = 0) -> Int32 {
        let flags = flags | O_CLOEXEC | O_NOFOLLOW
        let below = below.isEmpty ? "." : below
        switch way {
        case .partByPart: return openPartByPart(below, flags, mode: mode)
        case .atOnce:
            let rules = UInt64(DEPOT_RESOLVE_BENEATH | DEPOT_RESOLVE_NO_SYMLINKS)
            return below.withPlatformString {
                depot_openat2(
                    descriptor, $0, UInt64(flags), flags & O_CREAT == 0 ? 0 : UInt64(mode), rules)
            }
        }
    }

    private func openPartByPart(_ below: FilePath, _ flags: Int32, mode: mode_t) -> Int32 {
        var parts = below.components[...]
        guard below.isRelative, !parts.contains(where: { $0.kind == .parentDirectory })
        else {
            errno = EXDEV
            return -1
        }
        let last = parts.popLast().map { FilePath($0) } ?? "."
        var folder = descriptor
        for part in parts {
            let next = FilePath(part).withPlatformString {
                openat(folder, $0, Int32(DEPOT_O_PATH) | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            }
            Self.leave(folder, unless: descriptor)
            guard next >= 0 else { return -1 }
            folder = next
        }
        defer { Self.leave(folder, unless: descriptor) }
        return last.withPlatformString { openat(folder, $0, flags, mode) }
    }

    /// Leaves `errno` as it is.
    private static func leave(_ folder: Int32, unless kept: Int32) {
        guard folder != kept else { return }
        let code = errno
        close(folder)
        errno = code
    }

    /// Of what the path itself names, be it a link.
    func status(_ below: FilePath) -> stat? {
        let found = open(below, Int32(DEPOT_O_PATH))
        guard found >= 0 else { return nil }
        defer { close(found) }
        var status = stat()
        return fstat(found, &status) == 0 ? status : nil
    }

    /// Older kernels lack the call, and some containers forbid it.
    private static let systemsWay: Way = {
        let found = depot_openat2(
            AT_FDCWD, "/", UInt64(Int32(DEPOT_O_PATH) | O_CLOEXEC), 0,
            UInt64(DEPOT_RESOLVE_NO_SYMLINKS))
        guard found >= 0 else { return .partByPart }
        close(found)
        return .atOnce
    }()
}
