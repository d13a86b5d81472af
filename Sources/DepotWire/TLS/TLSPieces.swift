import NIOCore

// TLS copies what is sent into one buffer until it is flushed, and keeps the largest that it ever
// had for as long as the connection lasts. A chunk that is written as a whole would leave each
// connection with several MiB.

/// Stands behind TLS in a connection, and hands it no more than a piece at a time.
final class TLSPieces: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Seven of TLS's largest records: what they become fits into 128 KiB.
    static let size = 7 << 14

    /// What TLS was handed since it was last told to send.
    private var waiting = 0

    func write(
        context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?
    ) {
        var rest = unwrapOutboundIn(data)
        while waiting + rest.readableBytes > Self.size,
            let piece = rest.readSlice(length: Self.size - waiting)
        {
            context.write(wrapOutboundOut(piece), promise: nil)
            flush(context: context)
        }
        waiting += rest.readableBytes
        context.write(wrapOutboundOut(rest), promise: promise)
    }

    func flush(context: ChannelHandlerContext) {
        waiting = 0
        context.flush()
    }
}
