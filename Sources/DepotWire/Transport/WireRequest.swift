import DepotCore
import NIOCore
import NIOHTTP1

/// A request but for its streamed body.
public struct WireRequest: Sendable {
    public var method: HTTPMethod
    /// Path and query, percent-encoded.
    public var path: String
    public var headers: HTTPHeaders
    /// The whole body, where it is known beforehand.
    public var body: ByteBuffer
    /// How long the answer's head, and then each part of its body, may take; the transport's own if
    /// `nil`.
    public var patience: TimeAmount?
    /// Whom it is for, where the other side has to show that; it is sent to nobody else.
    public var replica: ReplicaID?
    /// Told of each try, where that matters.
    public var delivery: Delivery?

    public init(
        _ method: HTTPMethod, _ path: String, headers: HTTPHeaders = [:],
        body: ByteBuffer = ByteBuffer(), patience: TimeAmount? = nil, delivery: Delivery? = nil
    ) {
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
        self.patience = patience
        self.delivery = delivery
    }
}

/// A whole answer.
public struct WireAnswer: Sendable {
    public let status: Int
    public let headers: HTTPHeaders
    public let body: ByteBuffer
}
