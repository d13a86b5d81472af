import DepotCore

/// The target of a request: a path with its query, or the same with `http://host` or `https://host` before it.
enum RequestTarget {
    /// - Returns: the path of an absolute target (RFC 9112, 3.2.2); `nil` where the target is one
    ///   already.
    static func path(of target: String) throws(RequestRefusal) -> String? {
        guard target.utf8.count <= RequestRules.targetBytesMax else {
            throw RequestRefusal(
                .uriTooLong, as: .tooLarge,
                "a target has at most \(RequestRules.targetBytesMax) bytes")
        }
        guard target.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") })
        else {
            throw .malformed("the target has characters that have to be percent-encoded")
        }
        if target.utf8.first == UInt8(ascii: "/") { return nil }
        guard let path = Self.path(ofAbsolute: target) else {
            throw .malformed("the target is neither a path nor an address of this server")
        }
        return path
    }

    private static func path(ofAbsolute target: String) -> String? {
        let scheme = target.prefix(8).lowercased().hasPrefix("https://") ? "https://" : "http://"
        let head = target.prefix(scheme.count)
        guard head.lowercased() == scheme else { return nil }
        let rest = target.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard !authority.isEmpty, isAuthority(authority.utf8) else { return nil }
        let path = rest.dropFirst(authority.count)
        return path.first == "/" ? String(path) : "/" + path
    }

    /// Whether it is a host, with a port or without: a name, an IPv4 address, or an IPv6 address in
    /// brackets.
    static func isAuthority(_ text: some Collection<UInt8>) -> Bool {
        var rest = text[...]
        if rest.first == UInt8(ascii: "[") {
            guard let end = rest.firstIndex(of: UInt8(ascii: "]")) else { return false }
            let address = rest[..<end].dropFirst()
            guard !address.isEmpty, address.allSatisfy(isInAddress) else { return false }
            rest = rest[end...].dropFirst()
        } else {
            let name = rest.prefix { $0 != UInt8(ascii: ":") }
            guard !name.isEmpty, name.allSatisfy(isInName) else { return false }
            rest = rest.dropFirst(name.count)
        }
        guard let colon = rest.first else { return true }
        let port = rest.dropFirst()
        return colon == UInt8(ascii: ":") && port.count <= 5
            && port.allSatisfy { (0x30...0x39).contains($0) }
    }

    private static func isInAddress(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"), UInt8(ascii: ":"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    private static func isInName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: "%"):
            true
        default: false
        }
    }
}
