import DepotCore
import Foundation
import Testing

/// Causes as real calls give them: a number that was typed in from memory would prove nothing.
@Suite struct SystemErrorTests {
    /// A disk that could not be read, a pipe that was closed and a file that may not be read were "usage", a used port was
    /// "damage found and repaired", a missing folder "storage full".
    @Test func `what a failed call says has one code wherever it is met`() throws {
        let folder = NSTemporaryDirectory() + "depot-causes-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Data("f".utf8).write(to: URL(fileURLWithPath: "\(folder)/f"))
        try FileManager.default.createSymbolicLink(
            atPath: "\(folder)/loop", withDestinationPath: "loop")
        func opening(_ path: String, _ flags: Int32 = O_RDONLY) -> Int32 {
            errno = 0
            let descriptor = open(path, flags, 0o600)
            let cause = errno
            if descriptor >= 0 { close(descriptor) }
            return descriptor >= 0 ? 0 : cause
        }
        let long = String(repeating: "n", count: 300)
        let causes: [(Int32, Int32, DepotError.Code)] = [
            (opening("\(folder)/none"), ENOENT, .notFound),
            (opening("\(folder)/f/below"), ENOTDIR, .notFound),
            (opening("\(folder)/none/new", O_WRONLY | O_CREAT), ENOENT, .notFound),
            (opening("\(folder)/\(long)", O_WRONLY | O_CREAT), ENAMETOOLONG, .fileFailed),
            (opening("\(folder)/loop"), ELOOP, .fileFailed),
            (opening(folder, O_WRONLY), EISDIR, .fileFailed),
            (opening("\(folder)/f", O_WRONLY | O_CREAT | O_EXCL), EEXIST, .conflict),
            (Self.writing("/dev/full"), ENOSPC, .storageFull),
            (Self.writingToNobody(), EPIPE, .readerGone),
            (Self.readingNowhere(), EIO, .fileFailed),
            (Self.bindingTwice(), EADDRINUSE, .unreachable),
        ]
        for (found, expected, code) in causes {
            #expect(found == expected)
            #expect(DepotError.Code(errno: found) == code, "\(String(cString: strerror(found)))")
        }
        // As who may do everything they cannot be brought about, or not without harm to other tests.
        for cause in [EACCES, EPERM, EROFS] {
            #expect(DepotError.Code(errno: cause) == .fileFailed)
        }
        for cause in [EMFILE, ENFILE, ENOMEM] { #expect(DepotError.Code(errno: cause) == .busy) }
        #expect(DepotError.Code(errno: EDQUOT) == .storageFull)
        let error = DepotError.file("cannot be read", "a/b", errno: EIO)
        #expect(error.description == "a/b: cannot be read: Input/output error")
    }

    private static func writing(_ path: String) -> Int32 {
        let descriptor = open(path, O_WRONLY)
        defer { close(descriptor) }
        return write(descriptor, "x", 1) == 1 ? 0 : errno
    }

    private static func writingToNobody() -> Int32 {
        var ends: [Int32] = [0, 0]
        socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends)
        defer { close(ends[1]) }
        close(ends[0])
        // As an error of the call, and not as a signal to all tests.
        return send(ends[1], "x", 1, Int32(MSG_NOSIGNAL)) == 1 ? 0 : errno
    }

    /// A process's memory has nothing at its beginning.
    private static func readingNowhere() -> Int32 {
        let descriptor = open("/proc/self/mem", O_RDONLY)
        defer { close(descriptor) }
        var byte: UInt8 = 0
        return read(descriptor, &byte, 1) < 0 ? errno : 0
    }

    private static func bindingTwice() -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let sockets = (0..<2).map { _ in socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0) }
        defer { for descriptor in sockets { close(descriptor) } }
        return withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                _ = bind(sockets[0], address, length)
                _ = getsockname(sockets[0], address, &length)
                return bind(sockets[1], address, length) == 0 ? 0 : errno
            }
        }
    }
}
