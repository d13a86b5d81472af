import DepotCore
import NIOHTTP1

// Two programs that read one request in two ways are how requests are smuggled past a proxy, and
// how the wrong body is taken for the right one. So whatever RFC 9110 and 9112 let a server refuse
// is refused here, in one place for both daemons, before anybody looks at the request for what it
// asks. llhttp, in its strict mode, has refused what is wrong with the bytes; what it lets through
// is judged here.

/// What a request's head has to be like.
enum RequestRules {
    /// A name has 1,024 bytes, three characters each where they are percent-encoded; the rest is
    /// for parameters.
    static let targetBytesMax = 8 << 10
    /// Clients send some ten headers, proxies add a few more.
    static let headersMax = 100
    static let headerBytesMax = 16 << 10

    /// What the parser collects before the rules see it.
    static var parserLimits: NIOHTTPDecoderLimitConfiguration {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = 2 * targetBytesMax
        limits.maxHeaderListSize = headerBytesMax + targetBytesMax
        limits.maxHeaderFieldCount = headersMax
        return limits
    }

    /// - Returns: the head, with the target as a path.
    static func check(_ head: HTTPRequestHead) throws(RequestRefusal) -> HTTPRequestHead {
        guard head.version == .http1_1 || head.version == .http1_0 else {
            throw RequestRefusal(HTTPParserError.invalidVersion)
        }
        switch head.method {
        case .CONNECT, .TRACE:
            throw RequestRefusal(
                .notImplemented, as: .invalidArgument,
                "the method \(head.method) is not served here")
        default: break
        }
        try RequestFields(head.headers).check(version: head.version)
        guard let path = try RequestTarget.path(of: head.uri) else { return head }
        var checked = head
        checked.uri = path
        return checked
    }
}
