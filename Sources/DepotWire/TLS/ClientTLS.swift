import DepotCertificates
import DepotCore
import NIOCore
import NIOSSL
import Synchronization

/// Who is believed to be the one at the other end of `https://`.
public enum TransportTrust: Sendable {
    /// Whoever has a certificate for the host from an authority that this machine trusts.
    case system
    /// The same with these authorities.
    case authorities(TrustAnchors)
    /// A replica of this deployment, which is also shown who asks. It is known by its UUID, which
    /// stands in its certificate, and not by its host: replicas move.
    case replica(TLSKeeper)
}

/// How connections to one endpoint are secured.
final class ClientTLS: Sendable {
    private struct Anonymous: Sendable {
        let context: NIOSSLContext
        let anchors: TrustAnchors
    }

    private let endpoint: Endpoint
    private let trust: TransportTrust
    private let anonymous = Mutex<Anonymous?>(nil)

    init(_ endpoint: Endpoint, _ trust: TransportTrust) {
        self.endpoint = endpoint
        self.trust = trust
    }

    /// What a new connection to the endpoint begins with.
    struct Beginning: Sendable {
        let context: NIOSSLContext
        fileprivate let verify: @Sendable ([Certificate]) throws(DepotError) -> Void
    }

    func beginning() throws(DepotError) -> Beginning {
        switch trust {
        case .system:
            return try known { () throws(DepotError) in try TrustAnchors.system() }
        case .authorities(let anchors):
            return try known { () throws(DepotError) in anchors }
        case .replica(let keeper):
            let current = keeper.current
            return Beginning(context: current.contexts.client) { chain throws(DepotError) in
                try current.material.anchors.verify(
                    chain, for: .server(host: nil), at: keeper.now)
                guard chain.first?.role?.replica != nil else {
                    throw DepotError(
                        .unauthorized,
                        "its certificate is not a replica's: it has no URI urn:depot:replica:UUID")
                }
            }
        }
    }

    private func known(
        _ anchors: () throws(DepotError) -> TrustAnchors
    ) throws(DepotError) -> Beginning {
        let ready: Anonymous
        if let made = anonymous.withLock({ $0 }) {
            ready = made
        } else {
            ready = Anonymous(context: try TLSContexts.anonymous(), anchors: try anchors())
            anonymous.withLock { $0 = ready }
        }
        let host = endpoint.host
        return Beginning(context: ready.context) { chain throws(DepotError) in
            try ready.anchors.verify(chain, for: .server(host: host), at: TLSKeeper.wallClock())
        }
    }

    /// Puts TLS between the socket and everything else of a connection that has not begun.
    func secure(
        _ channel: any Channel, _ beginning: Beginning, timeout: TimeAmount
    ) throws -> Handshake {
        let handshake = Handshake(channel.eventLoop)
        let isAddress = CertificateHost.address(endpoint.host) != nil
        let waiting = HandshakeHandler(handshake, endpoint: endpoint, timeout: timeout)
        // It keeps the promise from here on, whatever comes.
        try channel.pipeline.syncOperations.addHandlers([waiting, TLSPieces()], position: .first)
        let handler = try NIOSSLClientHandler(
            context: beginning.context, serverHostname: isAddress ? nil : endpoint.host,
            customVerificationCallback: { [shown = handshake.shown] chain, promise in
                shown.judge(chain, promise, by: beginning.verify)
            })
        try channel.pipeline.syncOperations.addHandler(handler, position: .first)
        return handshake
    }
}
