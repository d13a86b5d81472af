import DepotCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A host that a certificate is for.
public enum CertificateHost: Sendable, Hashable, CustomStringConvertible {
    case name(String)
    /// 4 or 16 bytes.
    case address([UInt8])

    /// - Throws: `invalidArgument` for what is neither a name nor an address of a host.
    public init(_ text: String) throws(DepotError) {
        if let address = Self.address(text) {
            self = .address(address)
            return
        }
        let isName = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"):
                true
            default: false
            }
        }
        guard isName, (1...253).contains(text.utf8.count), !text.hasPrefix("."),
            !text.hasPrefix("-")
        else {
            throw DepotError(
                .invalidArgument, "neither a name nor an address of a host", object: text)
        }
        self = .name(text.lowercased())
    }

    /// - Returns: `nil` for a name.
    public static func address(_ text: String) -> [UInt8]? {
        var four = in_addr()
        if inet_pton(AF_INET, text, &four) == 1 { return withUnsafeBytes(of: four) { Array($0) } }
        var six = in6_addr()
        if inet_pton(AF_INET6, text, &six) == 1 { return withUnsafeBytes(of: six) { Array($0) } }
        return nil
    }

    public var description: String {
        switch self {
        case .name(let name): return name
        case .address(let bytes):
            var text = [CChar](repeating: 0, count: 64)
            let family = bytes.count == 4 ? AF_INET : AF_INET6
            guard inet_ntop(family, bytes, &text, socklen_t(text.count)) != nil else { return "?" }
            return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
        }
    }

    /// As OpenSSL's configuration writes an alternative name.
    var extensionText: String {
        switch self {
        case .name(let name): "DNS:\(name)"
        case .address: "IP:\(self)"
        }
    }
}
