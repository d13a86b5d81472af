import DepotCore
import NIOCore
import NIOHTTP1

// The first handler behind the parser, in both daemons. Nothing reaches a service that was not
// well-formed, and nothing but what the policy leaves open to everybody that does not carry the
// token. It also knows what the services cannot: how much of a request has been read when its
// answer begins. Where an answer comes before the request's end, or a request cannot be read on,
// the connection ends with the answer.

/// Lets requests in, and ends connections that cannot go on.
public final class RequestGuard: ChannelDuplexHandler, RemovableChannelHandler {
    public typealias InboundIn = HTTPServerRequestPart
    public typealias InboundOut = HTTPServerRequestPart
    public typealias OutboundIn = HTTPServerResponsePart
    public typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        case open
        /// No more requests are let in. Answers that are due are still given, and the last may be a
        /// refusal.
        case closing(last: RequestRefusal?, exchange: String?, hasBody: Bool)
        /// The last answer was written.
        case over
    }

    let policy: RequestPolicy
    private var state = State.open
    /// Whether a request on this connection carried the token.
    private(set) var isKnown = false
    /// Since when the next request is waited for.
    private(set) var waitingSince: NIODeadline? = .now()
    var timer: Scheduled<Void>?
    /// Whether a request that was let in has not come to its end.
    private var isInRequest = false
    /// Requests that were let in and whose answers have not been written to their end.
    private var answersDue = 0

    private let meter: ByteMeter
    /// Of the request that was let in.
    private var framing: FramingBound

    /// - Parameter meter: of what the parser gets.
    init(policy: RequestPolicy, meter: ByteMeter) {
        self.policy = policy
        self.meter = meter
        framing = FramingBound(at: 0)
    }

    public func handlerAdded(context: ChannelHandlerContext) { watch(context) }
    public func handlerRemoved(context: ChannelHandlerContext) { timer.take()?.cancel() }

    // MARK: In

    public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            guard case .open = state else { return }
            begin(head, context)
        case .body(let bytes):
            framing.took(bytes.readableBytes)
            if isInRequest { context.fireChannelRead(data) }
        case .end:
            guard isInRequest else { return }
            isInRequest = false
            context.fireChannelRead(data)
        }
    }

    public func channelReadComplete(context: ChannelHandlerContext) {
        if isInRequest, framing.isExceeded(at: meter.received) {
            isInRequest = false
            state = .closing(last: nil, exchange: nil, hasBody: true)
            context.fireErrorCaught(
                RequestRefusal.malformed("the body has more around it than in it").error)
        }
        context.fireChannelReadComplete()
    }

    private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        do throws(RequestRefusal) {
            var checked = try RequestRules.check(head)
            // Who speaks HTTP/1.0 knows no interim answer (RFC 9110, 10.1.1).
            if head.version == .http1_0 { checked.headers.remove(name: "expect") }
            if try policy.admit(checked, on: context.channel) { isKnown = true }
            waitingSince = nil
            isInRequest = true
            framing = FramingBound(at: meter.received)
            answersDue += 1
            // The parser reads nothing behind a request to upgrade, though none is granted.
            if !head.isKeepAlive || head.headers.contains(name: "upgrade") {
                state = .closing(last: nil, exchange: nil, hasBody: true)
            }
            context.fireChannelRead(wrapInboundOut(.head(checked)))
        } catch {
            refuse(
                error, context, exchange: head.headers.first(name: WireExchange.header),
                hasBody: head.method != .HEAD)
        }
    }

    private func refuse(
        _ refusal: RequestRefusal, _ context: ChannelHandlerContext, exchange: String? = nil,
        hasBody: Bool = true
    ) {
        policy.places.noteRefusal()
        state = .closing(last: refusal, exchange: exchange, hasBody: hasBody)
        if answersDue == 0 { finish(context) }
    }

    /// A body that cannot be read is told to whoever is reading it, who answers; a head that cannot
    /// is refused here.
    public func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // More of what could not be read. It was told of, and is not read on: the end of the
        // connection takes what is left.
        if case .dataReceivedInErrorState? = error as? ByteToMessageDecoderError { return }
        guard let error = error as? HTTPParserError else {
            context.fireErrorCaught(error)
            return
        }
        if isInRequest {
            isInRequest = false
            state = .closing(last: nil, exchange: nil, hasBody: true)
            context.fireErrorCaught(RequestRefusal(error).error)
        } else if case .open = state {
            refuse(RequestRefusal(error), context)
        }
    }

    public func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard event is ConnectionRegistry.Drain else {
            context.fireUserInboundEventTriggered(event)
            return
        }
        guard case .open = state else { return }
        state = .closing(last: nil, exchange: nil, hasBody: true)
        if answersDue == 0 { finish(context) }
    }

    // MARK: Out

    public func write(
        context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?
    ) {
        switch unwrapOutboundIn(data) {
        case .head(let head) where (100..<200).contains(head.status.code) || !endsWith(head):
            context.write(data, promise: promise)
        case .head(var head):
            state = .closing(last: nil, exchange: nil, hasBody: true)
            head.headers.replaceOrAdd(name: "connection", value: "close")
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .body:
            context.write(data, promise: promise)
        case .end:
            end(context, writing: data, promise)
        }
    }

    /// Whether the connection ends with this answer.
    private func endsWith(_ head: HTTPResponseHead) -> Bool {
        if answersDue > 1 { return false }
        if case .closing(let refusal, _, _) = state { return refusal == nil }
        return isInRequest || !head.isKeepAlive
    }

    private func end(
        _ context: ChannelHandlerContext, writing data: NIOAny,
        _ promise: EventLoopPromise<Void>?
    ) {
        answersDue -= 1
        guard answersDue == 0 else {
            context.write(data, promise: promise)
            return
        }
        guard case .closing = state else {
            context.write(data, promise: promise)
            waitingSince = .now()
            policy.places.end(on: context.channel)
            return
        }
        // Whatever is still to come of the request is not wanted.
        isInRequest = false
        let written = promise ?? context.eventLoop.makePromise()
        let bound = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
        written.futureResult.whenComplete { _ in bound.value.handler.finish(bound.value.context) }
        context.write(data, promise: written)
    }

    /// Writes the refusal, if there is one, and has the connection end when it was sent.
    private func finish(_ context: ChannelHandlerContext) {
        guard case .closing(let refusal, let exchange, let hasBody) = state else { return }
        state = .over
        guard let refusal else {
            context.close(mode: .output, promise: nil)
            return
        }
        let (head, body) = refusal.answer(exchange: exchange)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if hasBody { context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil) }
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in
            bound.value.close(mode: .output, promise: nil)
        }
    }
}
