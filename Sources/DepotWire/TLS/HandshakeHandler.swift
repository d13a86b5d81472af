import DepotCore
import NIOCore
import NIOSSL
import NIOTLS

/// One connection's way to being secured.
final class Handshake: Sendable {
    let shown = ShownCertificate()
    /// Succeeds when it is secured; fails with a `DepotError`.
    let secured: EventLoopPromise<Void>

    init(_ loop: any EventLoop) { secured = loop.makePromise() }
}

/// Waits until a connection is secured, and says afterwards what its errors mean.
final class HandshakeHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let handshake: Handshake
    private let endpoint: Endpoint
    private let timeout: TimeAmount
    private var timer: Scheduled<Void>?
    private var isOver = false

    init(_ handshake: Handshake, endpoint: Endpoint, timeout: TimeAmount) {
        self.handshake = handshake
        self.endpoint = endpoint
        self.timeout = timeout
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let bound = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: timeout) {
            bound.value.handler.timedOut(bound.value.context)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { ended() }

    private func timedOut(_ context: ChannelHandlerContext) {
        end(
            .failure(
                DepotError(
                    .unreachable,
                    "the TLS handshake was not over within \(timeout.nanoseconds / 1_000_000) ms",
                    object: endpoint.description)))
        context.close(promise: nil)
    }

    private func ended() {
        end(
            .failure(
                DepotError(
                    .unreachable, "the connection ended during the TLS handshake",
                    object: endpoint.description)))
    }

    private func end(_ result: Result<Void, DepotError>) {
        guard !isOver else { return }
        isOver = true
        timer.take()?.cancel()
        switch result {
        case .success: handshake.secured.succeed(())
        case .failure(let error): handshake.secured.fail(error)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent { end(.success(())) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        ended()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let meaning = TLSFailure.error(handshake.shown.refusal ?? error, at: endpoint)
        guard isOver else {
            end(.failure(meaning))
            context.close(promise: nil)
            return
        }
        // That it ended is seen by its end.
        guard !TLSFailure.isRaggedEnd(error) else { return }
        let isOurs = error is NIOSSLError || error is BoringSSLError
        context.fireErrorCaught(isOurs ? meaning : error)
    }
}
