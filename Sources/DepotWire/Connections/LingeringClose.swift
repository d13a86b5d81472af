import NIOCore

// A connection that is closed while bytes of the other side have not been read is reset, and takes
// the answer that was on its way with it. So whoever was refused may go on sending for a moment
// after the answer, into nothing; but not for ever: 1 GiB that nobody wanted cost half a second of
// a core and came from anybody.

/// Ends a connection in order: the answer first, then a bounded rest of what is not wanted.
public final class LingeringClose: ChannelDuplexHandler, RemovableChannelHandler {
    public typealias InboundIn = ByteBuffer
    public typealias InboundOut = ByteBuffer
    public typealias OutboundIn = ByteBuffer
    public typealias OutboundOut = ByteBuffer

    /// As much as a batch has, so that a client that reads only when it has sent everything gets to
    /// see why.
    static let bytesMax = 9 << 20
    static let timeMax = TimeAmount.seconds(3)

    /// What was read since our side ended; `nil` before.
    private var discarded: Int?
    private var timer: Scheduled<Void>?

    public func handlerRemoved(context: ChannelHandlerContext) { timer.take()?.cancel() }

    public func close(
        context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?
    ) {
        guard mode == .output else {
            context.close(mode: mode, promise: promise)
            return
        }
        guard discarded == nil else {
            promise?.succeed()
            return
        }
        discarded = 0
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: Self.timeMax) {
            bound.value.close(promise: nil)
        }
        context.close(mode: .output, promise: promise)
        context.read()
    }

    public func read(context: ChannelHandlerContext) {
        // The end may take a moment, and is not worth more of what is not wanted.
        if (discarded ?? 0) <= Self.bytesMax { context.read() }
    }

    public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let discarded else {
            context.fireChannelRead(data)
            return
        }
        let sum = discarded + unwrapInboundIn(data).readableBytes
        self.discarded = sum
        if sum > Self.bytesMax { context.close(promise: nil) }
    }

    public func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        // Who stands behind may be full of what came before, and wants no more.
        if discarded != nil { read(context: context) }
    }

    public func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if discarded != nil, case .inputClosed? = event as? ChannelEvent {
            context.close(promise: nil)
        }
        context.fireUserInboundEventTriggered(event)
    }
}
