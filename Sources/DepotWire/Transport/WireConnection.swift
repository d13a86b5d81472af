import DepotCertificates
import DepotCore
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// One connection to an endpoint, on which exchanges follow one another.
final class WireConnection: Sendable {
    let channel: any Channel
    /// What the other side showed, and was believed; `nil` without TLS.
    let certificate: Certificate?
    let begun = NIODeadline.now()
    private let handler: NIOLoopBound<ExchangeHandler>

    private init(
        channel: any Channel, certificate: Certificate?, handler: NIOLoopBound<ExchangeHandler>
    ) {
        self.channel = channel
        self.certificate = certificate
        self.handler = handler
    }

    /// - Throws: `unreachable`; `unauthorized` where the other side is not believed, or does not
    ///   speak as was expected.
    static func connect(
        to endpoint: Endpoint, _ tls: ClientTLS, timeout: TimeAmount, group: any EventLoopGroup
    ) async throws(DepotError) -> WireConnection {
        let beginning = endpoint.isSecure ? try tls.beginning() : nil
        let attempts = ConnectionAttempts()
        let bootstrap = ClientBootstrap(group: group)
            .connectTimeout(timeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelOption(.autoRead, value: false)
            .channelOption(.recvAllocator, value: ChannelTuning.receiving)
            .channelOption(.writeBufferWaterMark, value: ChannelTuning.waterMark)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let exchanges = ExchangeHandler(endpoint: endpoint)
                    try channel.pipeline.syncOperations.addHTTPClientHandlers(
                        leftOverBytesStrategy: .dropBytes)
                    try channel.pipeline.syncOperations.addHandler(exchanges)
                    let handshake = try beginning.map {
                        try tls.secure(channel, $0, timeout: timeout)
                    }
                    attempts.note(
                        channel, NIOLoopBound(exchanges, eventLoop: channel.eventLoop), handshake)
                }
            }
        do {
            let channel = try await bootstrap.connect(host: endpoint.host, port: endpoint.port)
                .get()
            guard let (handler, handshake) = attempts.of(channel) else {
                throw ChannelError.ioOnClosedChannel
            }
            try await handshake?.secured.futureResult.get()
            return WireConnection(
                channel: channel, certificate: handshake?.shown.certificate, handler: handler)
        } catch let error as DepotError {
            throw error
        } catch {
            throw DepotError(
                .unreachable,
                "no connection (\(reason(error))); is it running, and is the address right?",
                object: endpoint.description)
        }
    }

    /// In the system's own words: NIO's tell how it tried.
    private static func reason(_ error: any Error) -> String {
        let single = (error as? NIOConnectionError)?.connectionErrors.first?.error ?? error
        guard let error = single as? IOError else { return "\(single)" }
        return String(cString: strerror(error.errnoCode))
    }

    /// Runs on the connection's event loop, where the handler lives.
    func ask<Value: Sendable>(
        _ question: @escaping @Sendable (ExchangeHandler) -> EventLoopFuture<Value>
    ) async throws(DepotError) -> Value {
        let answer = channel.eventLoop.flatSubmit { [handler] in question(handler.value) }
        do {
            return try await withTaskCancellationHandler {
                try await answer.get()
            } onCancel: {
                // Whoever gave up waits no longer: its answer must not reach the next exchange.
                channel.close(promise: nil)
            }
        } catch let error as DepotError {
            throw error
        } catch {
            throw DepotError(.unreachable, "the connection failed", cause: error)
        }
    }

    /// `false` where it is of no more use.
    func begin() async -> Bool {
        let isUsable = try? await channel.eventLoop.submit { [handler] in handler.value.begin() }
            .get()
        return isUsable ?? false
    }

    func wasLostUnanswered() async -> Bool {
        let wasLost = try? await channel.eventLoop.submit { [handler] in
            handler.value.wasLost && !handler.value.hasAnswered
        }.get()
        return wasLost ?? false
    }

    func close() { channel.close(promise: nil) }
}

/// What was put into each connection that was tried, since a name may lead to several addresses. A
/// handler cannot be looked up in one that has ended meanwhile, and knows why it did.
private final class ConnectionAttempts: Sendable {
    private typealias Made = (handler: NIOLoopBound<ExchangeHandler>, handshake: Handshake?)

    private let made = Mutex<[ObjectIdentifier: Made]>([:])

    func note(
        _ channel: any Channel, _ handler: NIOLoopBound<ExchangeHandler>, _ handshake: Handshake?
    ) {
        made.withLock { $0[ObjectIdentifier(channel)] = (handler, handshake) }
    }

    func of(
        _ channel: any Channel
    ) -> (handler: NIOLoopBound<ExchangeHandler>, handshake: Handshake?)? {
        made.withLock { $0[ObjectIdentifier(channel)] }
    }
}
