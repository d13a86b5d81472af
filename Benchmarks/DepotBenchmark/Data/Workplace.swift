import Foundation
import Glibc

/// A folder that is gone afterwards. Small files that came back are not removed before: for a minute ext4 passes over the
/// inodes of what was removed, one by one, and whoever makes files then pays for it. All else is, since memory that was
/// given back is cheaper to get than more of it.
struct Workplace: Sendable {
    let root: String

    init(in folder: String?) throws {
        let parent = folder ?? NSTemporaryDirectory()
        root = "\(parent)/depot-benchmark-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    }

    func path(_ name: String) -> String { "\(root)/\(name)" }

    func fresh(_ name: String) throws -> String {
        let path = path("\(name)-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    func remove() { try? FileManager.default.removeItem(atPath: root) }

    /// A program that was built beside this one.
    static func sibling(_ name: String) -> String {
        URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            .deletingLastPathComponent().appendingPathComponent(name).path
    }

    /// What is read next comes from the disk, where we may say so.
    static func dropCaches() throws {
        try measured("/usr/bin/sync", [])
        try? "3".write(
            toFile: "/proc/sys/vm/drop_caches", atomically: false, encoding: .utf8)
    }

    /// A port that nobody listens on now.
    static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        var address = loopback(port: 0)
        let isBound = withSocketAddress(&address) {
            bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
        }
        guard isBound else { throw CommandFailed(description: "no port is free") }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    /// Waits until somebody listens there.
    static func awaitPort(_ port: Int) throws {
        for _ in 0..<500 {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(descriptor) }
            var address = loopback(port: port)
            let length = socklen_t(MemoryLayout<sockaddr_in>.size)
            if withSocketAddress(&address, { connect(descriptor, $0, length) == 0 }) { return }
            usleep(20_000)
        }
        throw CommandFailed(description: "nobody listens on port \(port)")
    }

    static func loopback(port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    static func withSocketAddress<Value>(
        _ address: inout sockaddr_in, _ body: (UnsafeMutablePointer<sockaddr>) throws -> Value
    ) rethrows -> Value {
        try withUnsafeMutablePointer(to: &address) { address in
            try address.withMemoryRebound(to: sockaddr.self, capacity: 1, body)
        }
    }
}
