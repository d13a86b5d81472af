import DepotCore
import NIOSSL

// BoringSSL names its reasons in words of its own, which are part of its interface as little as
// NIO's cases for them; so they are looked for in what it writes. A reason that is not known is
// written out as it is.

/// What a connection that could not be secured, or was refused afterwards, means.
enum TLSFailure {
    /// Whether the other side ended without saying so. HTTP's framing tells whether all had come.
    static func isRaggedEnd(_ error: any Error) -> Bool {
        if case .uncleanShutdown? = error as? NIOSSLError { return true }
        return error is NIOSSLCloseTimedOutError
    }

    private static let reasons: [(word: String, code: DepotError.Code, meaning: String)] = [
        (
            "WRONG_VERSION_NUMBER", .unauthorized,
            "it speaks no TLS; is it to be http:// instead of https://?"
        ),
        ("HTTP_REQUEST", .unauthorized, "plain HTTP came where TLS was expected"),
        (
            "PROTOCOL_VERSION", .unauthorized,
            "it does not speak TLS 1.3, and depot speaks nothing older"
        ),
        ("UNSUPPORTED_PROTOCOL", .unauthorized, "it does not speak TLS 1.3"),
        (
            "CERTIFICATE_REQUIRED", .unauthorized,
            "it wants a certificate from whoever connects"
        ),
        ("UNKNOWN_CA", .unauthorized, Self.refused),
        ("BAD_CERTIFICATE", .unauthorized, Self.refused),
        ("CERTIFICATE_UNKNOWN", .unauthorized, Self.refused),
        ("CERTIFICATE_EXPIRED", .unauthorized, Self.refused),
        ("ACCESS_DENIED", .unauthorized, Self.refused),
        ("EOF during handshake", .unreachable, "the connection ended during the TLS handshake"),
    ]

    private static let refused =
        "it refused our certificate: is that from the same CA, still valid, and for this use?"

    static func error(_ error: any Error, at endpoint: Endpoint) -> DepotError {
        if let known = error as? DepotError {
            return DepotError(
                known.code, known.message, object: known.object ?? endpoint.description)
        }
        let text = "\(error)"
        guard let reason = reasons.first(where: { text.contains($0.word) }) else {
            return DepotError(
                .unreachable, "the secured connection failed", object: endpoint.description,
                cause: error)
        }
        return DepotError(reason.code, reason.meaning, object: endpoint.description)
    }
}
