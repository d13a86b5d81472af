import DepotCertificates
import DepotCore
import NIOCore
import NIOHTTP1
import NIOSSL

/// How connections to a daemon are secured.
public struct ServerTLS: Sendable {
    /// Whose requests are answered.
    public enum Callers: Sendable {
        /// Anybody's, as far as the token lets them in.
        case anybody
        /// The FileServer's, which shows its certificate. Others may connect without one, for what
        /// is open to everybody, a health check needs no key, and for the metrics, whose token is
        /// good for nothing else.
        case fileServer
    }

    let keeper: TLSKeeper
    let callers: Callers

    public init(_ keeper: TLSKeeper, callers: Callers) {
        self.keeper = keeper
        self.callers = callers
    }

    /// Whole days until the daemon's certificate expires.
    public var daysLeft: Int { keeper.daysLeft }

    /// When that is, in seconds since 1970.
    public var expires: Int64 { keeper.certificate.validUntil }

    /// Puts TLS between the socket and everything else of a connection that has not begun.
    func secure(_ channel: any Channel) throws {
        let current = keeper.current
        let door = TLSDoor()
        let handler: NIOSSLServerHandler
        switch callers {
        case .anybody:
            handler = NIOSSLServerHandler(context: current.contexts.server)
        case .fileServer:
            let (shown, keeper) = (door.shown, keeper)
            handler = NIOSSLServerHandler(
                context: current.contexts.server,
                customVerificationCallback: { chain, promise in
                    shown.judge(chain, promise) { certificates throws(DepotError) in
                        try current.material.anchors.verify(
                            certificates, for: .client, at: keeper.now)
                        guard certificates.first?.role == .fileServer else {
                            throw DepotError(.unauthorized, "this is not the FileServer")
                        }
                    }
                })
        }
        try channel.pipeline.syncOperations.addHandlers(
            [PlainKnock(), handler, door, TLSPieces()], position: .first)
    }
}

extension RequestPolicy {
    /// - Throws: `unauthorized` for a request that only the FileServer may send, from somebody who
    ///   did not show its certificate.
    func requireCertificate(
        for head: HTTPRequestHead, on channel: any Channel
    ) throws(RequestRefusal) {
        guard let tls, case .fileServer = tls.callers, !isOpenToAll(head) else { return }
        let door = try? channel.pipeline.syncOperations.handler(type: TLSDoor.self)
        // Only a certificate of the FileServer's is not refused.
        guard door?.shown.certificate != nil else {
            throw RequestRefusal(
                .unauthorized, as: .unauthorized,
                "only the FileServer is served here, which shows its certificate; see --tls-ca")
        }
    }
}

/// Stands behind TLS in a connection to a daemon. Whoever knocks without speaking TLS, or ends
/// without a word, is gone: that is told to nobody, and least of all to the log.
final class TLSDoor: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    let shown = ShownCertificate()

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard error is NIOSSLError || error is BoringSSLError || error is NIOSSLCloseTimedOutError
        else {
            context.fireErrorCaught(error)
            return
        }
        if TLSFailure.isRaggedEnd(error) { return }
        context.close(promise: nil)
    }
}
