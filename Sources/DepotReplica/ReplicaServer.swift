import DepotCore
import DepotWire
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import ServiceLifecycle

/// The StorageReplica: its storage, behind the routes of `ReplicaRoute`. It knows the storage by
/// its protocol only.
///
/// It consists of plain channel handlers rather than of a web framework's: a chunk is hashed on the
/// event loop part by part as it arrives, and leaves by `sendfile`, or with TLS piece by piece.
public final class ReplicaServer: Service {
    private let context: ReplicaContext
    private let group: any EventLoopGroup
    private let listening: EventLoopPromise<Int>

    public init(
        storage: any ChunkStorage, configuration: ReplicaServerConfiguration,
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton, logger: Logger
    ) {
        context = ReplicaContext(storage: storage, configuration: configuration, logger: logger)
        self.group = group
        listening = group.any().makePromise(of: Int.self)
    }

    /// Waits until connections are accepted.
    ///
    /// - Returns: the port.
    /// - Throws: why the service ended before it listened.
    public func port() async throws(DepotError) -> Int {
        do {
            return try await listening.futureResult.get()
        } catch let error as DepotError {
            throw error
        } catch {
            throw DepotError(.internalError, "the replica did not start", cause: error)
        }
    }

    /// Serves until cancelled or shut down gracefully. Then it takes no more requests, lets those
    /// under way end within `shutdownGrace`, and returns.
    public func run() async throws {
        let channel: any Channel
        do {
            channel = try await bind()
        } catch {
            let failure = DepotError.cannotListen(
                host: context.configuration.host, port: context.configuration.port, because: error)
            listening.fail(failure)
            throw failure
        }
        listening.succeed(channel.localAddress?.port ?? 0)
        context.logger.info(
            "replica listens", metadata: ["address": "\(channel.localAddress?.description ?? "")"])
        async let _: Void = context.metrics.work()
        // This returns when the service is asked to stop, in either way. A listening socket does
        // not end by itself.
        try? await gracefulShutdown()
        if context.configuration.announcesStop {
            let places = context.policy.places
            await context.shutdownNotice.give(while: { !places.isEmpty })
        }
        channel.close(promise: nil)
        await context.policy.places.drain(within: context.configuration.shutdownGrace)
    }

    private func bind() async throws -> any Channel {
        let context = context
        return try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        AcceptPause(places: context.policy.places))
                }
            }
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.recvAllocator, value: ChannelTuning.accepting)
            .childChannelOption(.writeBufferWaterMark, value: ChannelTuning.waterMark)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let operations = channel.pipeline.syncOperations
                    try operations.addHandler(
                        IdleStateHandler(allTimeout: context.policy.times.idle))
                    try operations.configureHTTPServerPipeline(
                        withPipeliningAssistance: true, withErrorHandling: false,
                        withEncoderConfiguration: .init(),
                        withDecoderLimitConfiguration: RequestPolicy.parserLimits)
                    try context.policy.take(
                        channel, behind: operations.handler(type: HTTPServerPipelineHandler.self))
                    try operations.addHandler(ReplicaConnection(context: context))
                }
            }
            .bind(host: context.configuration.host, port: context.configuration.port).get()
    }
}
