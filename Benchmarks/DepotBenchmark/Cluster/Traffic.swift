import Foundation
import Glibc

/// Counts the bytes that cross the loopback, headers and acknowledgements included.
///
/// Other programs of the machine use the loopback, too. Where the system lets it, the benchmark therefore moves into a
/// network of its own, whose loopback has nobody else on it; children are born there.
enum Traffic {
    /// Whether nobody else is on the loopback. To be asked for before anything else is started.
    static let isAlone = moveToNetworkOfOurOwn()

    static var method: String {
        "sent: what the loopback counted, TCP/IP headers included, "
            + (isAlone
                ? "in a network namespace with nobody else in it"
                : "with everything else on this machine that used it")
    }

    /// Bytes that were sent since the loopback was made.
    static var sent: UInt64 {
        let text = (try? String(contentsOfFile: "/proc/self/net/dev", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.drop { $0 == " " }.hasPrefix("lo:") }
        // Behind the name: eight figures of what was received, then eight of what was sent, bytes first.
        let figures = line?.split(separator: ":").last?.split(separator: " ") ?? []
        return figures.count > 8 ? UInt64(figures[8]) ?? 0 : 0
    }

    private static func moveToNetworkOfOurOwn() -> Bool {
        // Swift's Glibc module leaves it out.
        guard let symbol = dlsym(nil, "unshare") else { return false }
        let unshare = unsafeBitCast(symbol, to: (@convention(c) (Int32) -> Int32).self)
        let newNetwork: Int32 = 0x4000_0000
        guard unshare(newNetwork) == 0 else { return false }
        return raiseLoopback()
    }

    /// A new network has a loopback that is down.
    private static func raiseLoopback() -> Bool {
        let (getFlags, setFlags): (UInt, UInt) = (0x8913, 0x8914)
        let up: Int16 = 1
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(descriptor) }
        // An `ifreq`: 16 bytes of name, then a union of which the flags are one.
        let request = UnsafeMutableRawBufferPointer.allocate(byteCount: 40, alignment: 8)
        defer { request.deallocate() }
        request.initializeMemory(as: UInt8.self, repeating: 0)
        request.copyBytes(from: "lo".utf8)
        guard let address = request.baseAddress, ioctl(descriptor, getFlags, address) == 0 else {
            return false
        }
        let flags = request.load(fromByteOffset: 16, as: Int16.self)
        request.storeBytes(of: flags | up, toByteOffset: 16, as: Int16.self)
        return ioctl(descriptor, setFlags, address) == 0
    }
}
