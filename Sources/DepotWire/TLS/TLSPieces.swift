import NIOCore

// TLS copies what is sent into one buffer until it is flushed, and keeps the largest that it ever
// had for as long as the connection lasts. A chunk that is written as a whole would leave each
// connection with several MiB.
//
// What it has decrypted it gives away in a buffer that it goes on using. While anybody keeps that,
// the next read makes a new one and copies the old one into it, all of its room, however little came
// in it. Copying what came is cheaper.

/// Stands behind TLS in a connection: hands it no more than a piece at a time, and gives its buffers
/// back to it.
final class TLSPieces: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Seven of TLS's largest records: what they become fits into 128 KiB.
    static let size = 7 << 14

    /// What TLS was handed since it was last told to send.
    private var waiting = 0

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        var copy = context.channel.allocator.buffer(capacity: bytes.readableBytes)
        copy.writeImmutableBuffer(bytes)
        context.fireChannelRead(wrapInboundOut(copy))
    }

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
