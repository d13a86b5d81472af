import DepotCertificates
import DepotCore
import NIOCore
import NIOSSL

/// What connections are begun with: one for those that come in, one for those that are made.
struct TLSContexts: Sendable {
    let server: NIOSSLContext
    let client: NIOSSLContext

    /// How long whoever closes a connection waits for the other side to say that it closes, too.
    /// Nothing is lost without: what is read is complete by its HTTP framing alone.
    private static let closing = TimeAmount.seconds(1)

    /// - Parameter asksCallers: whether those that connect are asked for their certificates.
    init(_ material: TLSMaterial, asksCallers: Bool) throws(DepotError) {
        do {
            let chain = try material.chain.map {
                NIOSSLCertificateSource.certificate(
                    try NIOSSLCertificate(bytes: $0.der, format: .der))
            }
            let key = NIOSSLPrivateKeySource.privateKey(
                try NIOSSLPrivateKey(bytes: material.key, format: .der))
            var serving = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain, privateKey: key)
            serving.certificateVerification = asksCallers ? .optionalVerification : .none
            server = try NIOSSLContext(configuration: Self.settled(serving))
            client = try Self.client(chain, key)
        } catch {
            throw DepotError(
                .invalidArgument, "this certificate or its key cannot be used for TLS 1.3",
                object: material.files.certificate, cause: error)
        }
    }

    /// Of a client that shows nothing of itself.
    static func anonymous() throws(DepotError) -> NIOSSLContext {
        do {
            return try client([], nil)
        } catch {
            throw DepotError(.internalError, "TLS cannot be set up", cause: error)
        }
    }

    private static func client(
        _ chain: [NIOSSLCertificateSource], _ key: NIOSSLPrivateKeySource?
    ) throws -> NIOSSLContext {
        var asking = TLSConfiguration.makeClientConfiguration()
        asking.certificateChain = chain
        asking.privateKey = key
        // The chain is verified by `TrustAnchors`, names and all.
        asking.certificateVerification = .noHostnameVerification
        return try NIOSSLContext(configuration: settled(asking))
    }

    private static func settled(_ configuration: TLSConfiguration) -> TLSConfiguration {
        var configuration = configuration
        configuration.minimumTLSVersion = .tlsv13
        configuration.maximumTLSVersion = .tlsv13
        // Not the system's, which would be read for nothing.
        configuration.trustRoots = .certificates([])
        configuration.shutdownTimeout = closing
        return configuration
    }
}

extension Certificate {
    /// Those that the other side showed, its own first.
    static func shown(_ chain: [NIOSSLCertificate]) throws(DepotError) -> [Certificate] {
        var certificates: [Certificate] = []
        for shown in chain {
            let bytes: [UInt8]
            do {
                bytes = try shown.toDERBytes()
            } catch {
                throw DepotError(.unauthorized, "the certificate cannot be read", cause: error)
            }
            certificates.append(try Certificate(der: bytes))
        }
        return certificates
    }
}
