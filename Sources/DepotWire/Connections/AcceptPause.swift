import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

// Out of descriptors, a connection stays in the queue and the socket stays readable. NIO withholds
// the next read for a second then, but the one that failed is still wanted, so that it is tried
// again at once, and a core is busy with it.

/// Stops accepting for a moment where the system has no descriptor or no memory for one more
/// connection, and lets go of connections that nobody misses. Belongs first into the pipeline of a
/// server's listening channel.
public final class AcceptPause: ChannelInboundHandler, Sendable {
    public typealias InboundIn = Any

    static let pause = TimeAmount.milliseconds(200)
    /// Enough for those that wait meanwhile, and for files that could not be opened.
    static let madeRoomFor = 8

    private let places: ConnectionRegistry

    public init(places: ConnectionRegistry) { self.places = places }

    public func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? IOError, Self.isShortage(error.errnoCode),
            let options = context.channel.syncOptions
        else {
            context.fireErrorCaught(error)
            return
        }
        places.makeRoom(Self.madeRoomFor)
        do {
            try options.setOption(.autoRead, value: false)
        } catch {
            context.fireErrorCaught(error)
            return
        }
        let bound = NIOLoopBound(options, eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: Self.pause) {
            // Fails only where the channel is closed.
            try bound.value.setOption(.autoRead, value: true)
        }
    }

    private static func isShortage(_ code: CInt) -> Bool {
        [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(code)
    }
}
