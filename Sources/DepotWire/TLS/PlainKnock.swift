import DepotCore
import NIOCore
import NIOHTTP1

/// Stands before TLS in a connection to a daemon, and tells whoever speaks plain HTTP that this is
/// the wrong way to call it: an end without a word would look like a daemon that is just being
/// started. What is neither is closed.
final class PlainKnock: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        case unheard
        /// It speaks TLS.
        case welcome
        /// What comes is not read any more.
        case refused
    }

    /// The type of the record that every TLS connection begins with.
    private static let handshake: UInt8 = 22

    private var state = State.unheard

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch state {
        case .welcome: context.fireChannelRead(data)
        case .refused: break
        case .unheard:
            guard let first = unwrapInboundIn(data).readableBytesView.first else { return }
            if first == Self.handshake {
                state = .welcome
                context.fireChannelRead(data)
            } else {
                state = .refused
                refuse(context, isHTTP: (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(first))
            }
        }
    }

    private func refuse(_ context: ChannelHandlerContext, isHTTP: Bool) {
        guard isHTTP else {
            context.close(promise: nil)
            return
        }
        let refusal = RequestRefusal(
            .unauthorized, as: .unauthorized, "this speaks TLS: use https:// instead of http://")
        let (head, body) = refusal.answer(exchange: nil)
        var bytes = ByteBuffer(
            string: "HTTP/1.1 \(head.status.code) \(head.status.reasonPhrase)\r\n")
        for (name, value) in head.headers { bytes.writeString("\(name): \(value)\r\n") }
        bytes.writeString("\r\n")
        bytes.writeImmutableBuffer(body)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(bytes)).whenComplete { _ in
            bound.value.close(promise: nil)
        }
    }
}
