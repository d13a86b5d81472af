import DepotCore
import NIOHTTP1

/// The headers that say where a request ends and whom it is for, each at most once.
struct RequestFields {
    /// Headers of which a second one would leave open which of them counts. Without the hosts,
    /// whose count is told.
    private static let single = [
        "authorization", "content-length", "content-range", "content-type", "expect", "if-range",
        "if-modified-since", "if-unmodified-since", "range", "transfer-encoding",
    ]

    /// A bit for each of `single` that is there.
    private var found: UInt16 = 0
    private var hosts = 0
    private var host = ""
    private var length: Substring?
    private var coding: Substring?
    private var expected: Substring?

    /// Reads them in one pass: this is done for every request.
    init(_ headers: HTTPHeaders) throws(RequestRefusal) {
        var bytes = 0
        for (name, value) in headers {
            bytes += name.utf8.count + value.utf8.count + 4
            guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
                throw .malformed("a header has control characters")
            }
            if Self.isSame(name, "host") {
                hosts += 1
                host = value
            } else if let index = Self.single.firstIndex(where: { Self.isSame(name, $0) }) {
                guard found & 1 << index == 0 else {
                    throw .malformed("the header '\(Self.single[index])' is there twice")
                }
                found |= 1 << index
                keep(Self.single[index], value)
            }
        }
        guard bytes <= RequestRules.headerBytesMax, headers.count <= RequestRules.headersMax else {
            throw .headersTooLarge
        }
    }

    private static func isSame(_ name: String, _ known: String) -> Bool {
        name.utf8.count == known.utf8.count
            && name.utf8.elementsEqual(known.utf8) { $0 == $1 || $0 | 0x20 == $1 }
    }

    private mutating func keep(_ name: String, _ value: String) {
        switch name {
        case "content-length": length = Self.trimmed(value)
        case "transfer-encoding": coding = Self.trimmed(value)
        case "expect": expected = Self.trimmed(value)
        default: break
        }
    }

    /// Without the whitespace around it, which is no part of a value.
    private static func trimmed(_ value: String) -> Substring {
        var rest = value.drop { $0 == " " || $0 == "\t" }
        while rest.last == " " || rest.last == "\t" { rest.removeLast() }
        return rest
    }

    func check(version: HTTPVersion) throws(RequestRefusal) {
        guard hosts == 1 || hosts == 0 && version == .http1_0 else {
            throw .malformed("a request has one Host, found \(hosts)")
        }
        guard hosts == 0 || RequestTarget.isAuthority(Self.trimmed(host).utf8) else {
            throw .malformed("the Host is no name and no address")
        }
        try checkLength(version)
        if let expected, expected.lowercased() != "100-continue" {
            throw RequestRefusal(
                .expectationFailed, as: .invalidArgument,
                "nothing but 100-continue may be expected here")
        }
    }

    private func checkLength(_ version: HTTPVersion) throws(RequestRefusal) {
        if let length {
            guard !length.isEmpty, length.utf8.count <= 19, Int64(length) != nil,
                length.utf8.allSatisfy({ (0x30...0x39).contains($0) })
            else { throw .malformed("the Content-Length is no number of bytes") }
        }
        guard let coding else { return }
        guard version == .http1_1 else {
            throw .malformed("HTTP/1.0 has no Transfer-Encoding")
        }
        guard length == nil else {
            throw .malformed("a body has a Content-Length or a Transfer-Encoding, not both")
        }
        guard coding.lowercased() == "chunked" else {
            let isKnown = ["gzip", "deflate", "compress", "identity"].contains {
                coding.lowercased().contains($0)
            }
            throw RequestRefusal(
                isKnown ? .notImplemented : .badRequest, as: .invalidArgument,
                "the only Transfer-Encoding that is read here is 'chunked', alone and once")
        }
    }
}
