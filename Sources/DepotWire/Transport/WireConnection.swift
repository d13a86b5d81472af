import DepotCore
import NIOCore
import NIOHTTP1
import NIOPosix

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
    private let handler: NIOLoopBound<ExchangeHandler>

    private init(channel: any Channel, handler: NIOLoopBound<ExchangeHandler>) {
        self.channel = channel
        self.handler = handler
    }

    static func connect(
        to endpoint: Endpoint, timeout: TimeAmount, group: any EventLoopGroup
    ) async throws(DepotError) -> WireConnection {
        let bootstrap = ClientBootstrap(group: group)
            .connectTimeout(timeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelOption(.autoRead, value: false)
            .channelOption(.recvAllocator, value: ChannelTuning.receiving)
            .channelOption(.writeBufferWaterMark, value: ChannelTuning.waterMark)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers(
                        leftOverBytesStrategy: .dropBytes)
                    try channel.pipeline.syncOperations.addHandler(
                        ExchangeHandler(endpoint: endpoint))
                }
            }
        do {
            let channel = try await bootstrap.connect(host: endpoint.host, port: endpoint.port)
                .get()
            let handler = try await channel.eventLoop.submit {
                try NIOLoopBound(
                    channel.pipeline.syncOperations.handler(type: ExchangeHandler.self),
                    eventLoop: channel.eventLoop)
            }.get()
            return WireConnection(channel: channel, handler: handler)
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
