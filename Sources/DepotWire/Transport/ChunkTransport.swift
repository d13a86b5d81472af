import DepotCore
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

public struct TransportConfiguration: Sendable {
    /// Enough for the batches and questions that one client or FileServer has under way.
    public var connectionsMax = 32
    public var connectTimeout = TimeAmount.seconds(5)
    /// How long an answer, each part of it, room for more bytes, or a connection may take.
    public var patience = TimeAmount.seconds(30)
    /// A connection with TLS begins no more requests after this time: one that is kept for months
    /// would go on with a certificate that has expired, and encrypt more with one key than is good.
    public var securedLifetime = TimeAmount.minutes(10)
    /// Who is believed to be the other side, where it speaks TLS.
    public var trust = TransportTrust.system

    public init() {}
}

/// The HTTP/1.1 client that everybody uses, for one endpoint: connections are kept and used again.
///
/// Measured against a general client it halves the cost of a request; what it has instead of
/// generality is back-pressure in both directions, an answer that may come before the request is
/// whole, and a bound on every wait. All errors are `DepotError`; what the other side reports comes
/// through as it was sent.
public final class ChunkTransport: Sendable {
    public let endpoint: Endpoint
    private let token: AccessToken?
    private let configuration: TransportConfiguration
    private let pool: ConnectionPool
    private let exchanges = Atomic<UInt64>(0)

    public init(
        endpoint: Endpoint, token: AccessToken?,
        configuration: TransportConfiguration = TransportConfiguration(),
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) {
        self.endpoint = endpoint
        self.token = token
        self.configuration = configuration
        pool = ConnectionPool(endpoint: endpoint, configuration: configuration, group: group)
    }

    /// Whether somebody ever listened there.
    public var hasConnected: Bool { pool.hasConnected.load(ordering: .relaxed) }

    /// Sends a whole request and takes a whole answer.
    ///
    /// - Throws: the error that was answered; `unreachable`; `tooLarge` for an answer over `limit`.
    public func send(
        _ request: WireRequest, answerUpTo limit: Int = WireLimits.bodyBytesMax
    ) async throws(DepotError) -> WireAnswer {
        let (exchange, head) = try await ask(request)
        let body = try await exchange.collect(upTo: limit)
        return WireAnswer(status: Int(head.status.code), headers: head.headers, body: body)
    }

    /// Sends a whole request; the answer's body is read part by part.
    ///
    /// - Throws: the error that was answered; `unreachable`.
    public func ask(
        _ request: WireRequest
    ) async throws(DepotError) -> (exchange: WireExchange, head: HTTPResponseHead) {
        var request = request
        if request.body.readableBytes > 0 {
            request.headers.replaceOrAdd(
                name: BodyDigest.header, value: BodyDigest.of(request.body))
        }
        while true {
            let (exchange, isReused) = try await begin(request, length: request.body.readableBytes)
            let head: HTTPResponseHead
            do {
                if request.body.readableBytes > 0 { try await exchange.write([request.body]) }
                try await exchange.finish()
                head = try await exchange.head()
            } catch {
                // An idle connection that the other side had closed in the meantime: nothing was
                // answered, and every request of ours may be repeated.
                guard isReused, await exchange.wasLostUnanswered() else { throw error }
                continue
            }
            guard head.status.code < 400 else {
                let failure = await exchange.failure(head)
                if failure.code == .busy { request.delivery?.wasRefused() }
                throw failure
            }
            return (exchange, head)
        }
    }

    /// Begins a request whose body is written part by part.
    ///
    /// - Parameter length: the body's, where it is known; else it is sent in HTTP chunks.
    public func open(
        _ request: WireRequest, length: Int? = nil
    ) async throws(DepotError) -> WireExchange {
        try await begin(request, length: length).exchange
    }

    private func begin(
        _ request: WireRequest, length: Int?
    ) async throws(DepotError) -> (exchange: WireExchange, isReused: Bool) {
        let (connection, isReused) = try await lease(for: request)
        let number = String(exchanges.add(1, ordering: .relaxed).newValue)
        let exchange = WireExchange(
            number: number, connection: connection, pool: pool, endpoint: endpoint,
            patience: request.patience ?? configuration.patience)
        var head = HTTPRequestHead(
            version: .http1_1, method: request.method, uri: request.path, headers: request.headers)
        head.headers.replaceOrAdd(name: "host", value: endpoint.authority)
        head.headers.replaceOrAdd(name: WireExchange.header, value: number)
        if let trace = TraceID.current {
            head.headers.replaceOrAdd(name: TraceID.header, value: trace.description)
        }
        if let token { head.headers.replaceOrAdd(name: "authorization", value: token.bearer) }
        if let length {
            head.headers.replaceOrAdd(name: "content-length", value: String(length))
        } else {
            head.headers.replaceOrAdd(name: "transfer-encoding", value: "chunked")
        }
        request.delivery?.begin()
        exchange.send(head)
        return (exchange, isReused)
    }

    /// A connection to whom the request is for, before anything of it is sent.
    private func lease(
        for request: WireRequest
    ) async throws(DepotError) -> (connection: WireConnection, isReused: Bool) {
        let (connection, isReused) = try await pool.lease()
        guard let certificate = connection.certificate, let expected = request.replica,
            certificate.role != .replica(expected)
        else { return (connection, isReused) }
        connection.close()
        pool.drop()
        throw DepotError(
            .misbehaving,
            "the certificate there is of \(certificate.role?.uri ?? "nobody of depot's"), and "
                + "replica \(expected) was asked; nothing was sent to it",
            object: endpoint.description)
    }

    /// Closes what is idle, and everything else as it ends.
    public func shutDown() { pool.shutDown() }
}
