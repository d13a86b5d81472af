import DepotCore
import Glibc
import Logging

// Without TLS whoever sees the packets has the token, and with it every file. In a network of one's
// own that may be wanted; on the Internet it never is. So what others can reach is refused, unless
// somebody says that it is meant. On all addresses at once it counts which ones the machine has:
// in an ordinary container those are private.

/// Whether an address to listen on can be reached from the Internet.
enum Exposure {
    /// - Throws: `invalidArgument` for a daemon without TLS where it can.
    static func check(
        _ address: ListenAddress, isMeant: Bool, _ logger: Logger
    ) throws(DepotError) {
        guard let reached = exposed(by: address.host) else { return }
        guard isMeant else {
            throw DepotError(
                .invalidArgument,
                "without TLS a daemon listens on loopback and private addresses only, and this "
                    + "reaches \(reached): tokens and files would be readable on their way. Give "
                    + "--tls-certificate, --tls-key and --tls-ca (`depot tls init` makes them), or "
                    + "--insecure-plain-http where something else protects them",
                object: address.host)
        }
        logger.warning(
            "insecure: whoever sees the packets can read tokens and files, and write with them",
            metadata: ["address": "\(reached)"])
    }

    /// The address that can be reached by listening on a host; `nil` where none can. A name that
    /// leads nowhere is told of when it is listened on.
    private static func exposed(by host: String) -> String? {
        let addresses = resolve(host)
        let isEverywhere = addresses.contains { $0.allSatisfy { $0 == 0 } }
        let reached = isEverywhere ? ofThisMachine() : addresses
        return reached.first { !isPrivate($0) }.map(text)
    }

    /// Of loopback, of private networks, or of the link.
    static func isPrivate(_ address: [UInt8]) -> Bool {
        if address.count == 4 {
            return switch (address[0], address[1]) {
            case (127, _), (10, _), (172, 16...31), (192, 168), (169, 254): true
            default: false
            }
        }
        guard address.count == 16 else { return false }
        let mapped: [UInt8] = Array(repeating: 0, count: 10) + [0xFF, 0xFF]
        if address.starts(with: mapped) { return isPrivate(Array(address.suffix(4))) }
        let isLoopback = address.dropLast().allSatisfy { $0 == 0 } && address[15] == 1
        let isLinkLocal = address[0] == 0xFE && address[1] & 0xC0 == 0x80
        return isLoopback || isLinkLocal || address[0] & 0xFE == 0xFC
    }

    private static func resolve(_ host: String) -> [[UInt8]] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_PASSIVE
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &found) == 0 else { return [] }
        defer { freeaddrinfo(found) }
        return sequence(first: found) { $0?.pointee.ai_next }
            .prefix { $0 != nil }.compactMap { bytes(of: $0?.pointee.ai_addr) }
    }

    /// Where a sandbox keeps them from us, the address for all of them, which counts as reachable.
    private static func ofThisMachine() -> [[UInt8]] {
        var found: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&found) == 0 else { return [[0, 0, 0, 0]] }
        defer { freeifaddrs(found) }
        return sequence(first: found) { $0?.pointee.ifa_next }
            .prefix { $0 != nil }.compactMap { bytes(of: $0?.pointee.ifa_addr) }
    }

    private static func bytes(of address: UnsafeMutablePointer<sockaddr>?) -> [UInt8]? {
        guard let address else { return nil }
        let start = UnsafeRawPointer(address)
        switch Int32(address.pointee.sa_family) {
        case AF_INET:
            return withUnsafeBytes(of: start.loadUnaligned(as: sockaddr_in.self).sin_addr) {
                Array($0)
            }
        case AF_INET6:
            return withUnsafeBytes(of: start.loadUnaligned(as: sockaddr_in6.self).sin6_addr) {
                Array($0)
            }
        default: return nil
        }
    }

    private static func text(_ address: [UInt8]) -> String {
        var text = [CChar](repeating: 0, count: 64)
        let family = address.count == 4 ? AF_INET : AF_INET6
        guard inet_ntop(family, address, &text, socklen_t(text.count)) != nil else { return "?" }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
