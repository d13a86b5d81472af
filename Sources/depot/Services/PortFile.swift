import DepotClient
import DepotCore
import FoundationEssentials
import Glibc
import NIOCore

/// Which ports the replicas of a local depot listen on, so that they are the same at each start.
struct PortFile {
    private let path: String

    init(_ path: String) { self.path = path }

    func port(_ number: Int) throws(DepotError) -> Int {
        let file = "\(path).\(number)"
        if let data = FileManager.default.contents(atPath: file),
            let port = Int(String(decoding: data, as: UTF8.self).filter(\.isNumber)),
            (1...65_535).contains(port)
        {
            return port
        }
        let port = try Self.freePort()
        _ = try WholeFile.write(ByteBuffer(string: "\(port)\n"), to: file)
        return port
    }

    /// Asks the system for one that nobody uses now.
    private static func freePort() throws(DepotError) -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard descriptor >= 0, isBound else {
            throw .file("no free port", "127.0.0.1")
        }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
