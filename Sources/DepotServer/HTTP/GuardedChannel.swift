import DepotWire
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

/// A connection of the framework's with the policy in front of it.
struct GuardedChannel: ServerChildChannel {
    typealias Value = HTTP1Channel.Value

    private let policy: RequestPolicy
    private let http: HTTP1Channel

    init(
        policy: RequestPolicy, idleLimit: Duration,
        responder: @escaping HTTPChannelHandler.Responder
    ) {
        self.policy = policy
        let limits = RequestPolicy.parserLimits
        http = HTTP1Channel(
            responder: responder,
            configuration: HTTP1Channel.Configuration(
                additionalChannelHandlers: [ChannelTuner()],
                idleTimeout: .seconds(idleLimit.components.seconds),
                httpDecoderConfiguration: HTTP1Channel.Configuration.DecoderConfiguration(
                    maxHeaderFieldSize: limits.maxHeaderFieldSize,
                    maxHeaderListSize: limits.maxHeaderListSize,
                    maxHeaderFieldCount: limits.maxHeaderFieldCount)))
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        http.setup(channel: channel, logger: logger).flatMapThrowing { [policy] value in
            let parser = try channel.pipeline.syncOperations.handler(
                type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            try policy.take(channel, behind: parser)
            return value
        }
    }

    func handle(value: Value, logger: Logger) async {
        await http.handle(value: value, logger: logger)
    }
}
