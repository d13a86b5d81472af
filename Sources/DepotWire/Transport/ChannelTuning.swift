import NIOCore

// Each read of a socket and each write to one wakes a task on another thread, and what follows on
// that task wakes the next. With NIO's buffers of 64 KiB a third of a FileServer's time went into
// that: 49,000 switches for half a GiB.

/// How connections that chunks flow over are set up, on both of their ends.
public enum ChannelTuning {
    /// Bytes that are written together.
    public static let sentTogether = 256 << 10

    /// What a client of ours reads into. Buffers grow while reads fill them and shrink when they
    /// don't: what trickles in does not keep large ones.
    public static let receiving = allocator(maximum: 256 << 10)

    /// What a server of ours reads into. Many connections wait with a read that was done before
    /// they had their turn, and what a read did not fill is kept with the rest: with larger ones 16
    /// clients took 25 MiB more of a FileServer.
    public static let accepting = allocator(maximum: 128 << 10)

    private static func allocator(maximum: Int) -> AdaptiveRecvByteBufferAllocator {
        AdaptiveRecvByteBufferAllocator(minimum: 1 << 10, initial: 16 << 10, maximum: maximum)
    }

    /// What waits in a connection before it takes no more, and how little it must be before it does
    /// again.
    public static let waterMark = ChannelOptions.Types.WriteBufferWaterMark(
        low: sentTogether / 2, high: 2 * sentTogether)

    /// The same of a client that is not known to take what it asks for.
    public static let cautiousWaterMark = ChannelOptions.Types.WriteBufferWaterMark(
        low: sentTogether / 4, high: sentTogether / 2)
}

/// Sets up a connection of a server whose channels are made by a framework, for a client that is not
/// known yet.
public final class ChannelTuner: ChannelInboundHandler, RemovableChannelHandler {
    public typealias InboundIn = Any

    public init() {}

    public func handlerAdded(context: ChannelHandlerContext) {
        let options = context.channel.syncOptions
        do {
            try options?.setOption(.recvAllocator, value: ChannelTuning.accepting)
            try options?.setOption(.writeBufferWaterMark, value: ChannelTuning.cautiousWaterMark)
        } catch {
            // It works without, only slower.
        }
    }
}
