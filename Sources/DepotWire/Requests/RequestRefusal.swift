import DepotCore
import NIOCore
import NIOHTTP1

/// Why a request gets no further than the policy, as the status and the error that its sender is
/// told.
struct RequestRefusal: Error {
    let status: HTTPResponseStatus
    let error: DepotError
    var headers: HTTPHeaders = [:]

    init(
        _ status: HTTPResponseStatus, as code: DepotError.Code, _ message: String,
        headers: HTTPHeaders = [:]
    ) {
        self.status = status
        error = DepotError(code, message)
        self.headers = headers
    }

    /// The request cannot be right, whoever sends it.
    static func malformed(_ message: String) -> RequestRefusal {
        RequestRefusal(.badRequest, as: .invalidArgument, message)
    }

    /// What the parser could not read.
    init(_ error: HTTPParserError) {
        switch error {
        case .headerOverflow:
            self = .headersTooLarge
        case .invalidVersion:
            self.init(
                .httpVersionNotSupported, as: .invalidArgument,
                "only HTTP/1.1 and 1.0 are spoken here")
        case .invalidMethod:
            self.init(.notImplemented, as: .invalidArgument, "there is no such method")
        default:
            self = .malformed("this is no HTTP/1.1 request: \(error)")
        }
    }

    static let headersTooLarge = RequestRefusal(
        .requestHeaderFieldsTooLarge, as: .tooLarge,
        "a request has at most \(RequestRules.headersMax) headers with "
            + "\(RequestRules.headerBytesMax) bytes")

    /// The answer's head and body; the connection ends with it.
    func answer(exchange: String?) -> (head: HTTPResponseHead, body: ByteBuffer) {
        var headers = headers
        var body = ByteBuffer()
        do throws(DepotError) {
            body = try WireJSON.encode(ErrorEnvelope(error))
            headers.add(name: "content-type", value: "application/json")
            headers.add(name: BodyDigest.header, value: BodyDigest.of(body))
        } catch {
            // The status says enough.
        }
        headers.add(name: "content-length", value: String(body.readableBytes))
        if let exchange { headers.add(name: WireExchange.header, value: exchange) }
        headers.add(name: "connection", value: "close")
        return (HTTPResponseHead(version: .http1_1, status: status, headers: headers), body)
    }
}
