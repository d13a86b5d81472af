import DepotCertificates
import DepotCore
import DepotReplicaLink
import DepotWire
import FoundationEssentials
import NIOCore
import Synchronization

/// The certificates of one deployment, in a folder.
struct CertificateKit {
    static let day: Int64 = 86_400

    let folder: CertificateFolder
    let now = TLSKeeper.wallClock()

    /// A folder that is gone when `body` is done.
    static func with<Result>(
        _ body: (CertificateKit) async throws -> Result
    ) async throws -> Result {
        try await withFolder { folder in
            try await body(CertificateKit(folder: CertificateFolder("\(folder)/certificates")))
        }
    }

    func files(_ name: String) -> TLSFiles {
        TLSFiles(
            certificate: folder.file(name), key: folder.keyFile(name),
            authority: folder.authorityFile)
    }

    /// The FileServer's, as it asks replicas.
    func fileServer(days: Int = 825) throws -> TLSKeeper {
        _ = try folder.make([.fileServer(at: [])], days: days, at: now)
        return try TLSKeeper(files("fileserver"), asksCallers: false)
    }

    /// A replica's.
    func replica(
        _ id: ReplicaID, called name: String = "r1", days: Int = 825,
        clock: @escaping @Sendable () -> Int64 = TLSKeeper.wallClock
    ) throws -> TLSKeeper {
        _ = try folder.make([.replica(name, id: id)], days: days, at: now)
        return try TLSKeeper(files(name), asksCallers: true, clock: clock)
    }

    /// Somebody with a certificate that this authority gives to nobody.
    func forged(_ request: CertificateRequest) throws -> TLSKeeper {
        _ = try folder.make([], at: now)
        let issuer = CertificateIssuer(
            certificate: try Self.read(folder.authorityFile),
            key: try Self.read(folder.keyFile("ca")))
        let issued = try issuer.issue(request, validity: now - 60..<now + Self.day)
        try Self.write(issued.certificate, to: folder.file("forged"))
        try Self.write(issued.key, to: folder.keyFile("forged"))
        return try TLSKeeper(files("forged"), asksCallers: true)
    }

    static func read(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    }

    static func write(_ bytes: [UInt8], to path: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    func anchors() throws -> TrustAnchors {
        _ = try folder.make([], at: now)
        return try TLSMaterial.anchors(in: folder.authorityFile)
    }
}

/// Says what a test says.
final class SettableClock: Sendable {
    private let seconds: Mutex<Int64>

    init(_ now: Int64) { seconds = Mutex(now) }

    var now: Int64 {
        get { seconds.withLock { $0 } }
        set { seconds.withLock { $0 = newValue } }
    }
}

extension TestReplica {
    func transport(
        _ trust: TransportTrust, host: String = "127.0.0.1", isSecure: Bool = true,
        lifetime: TimeAmount = .minutes(10), token: AccessToken? = nil
    ) throws -> ChunkTransport {
        var configuration = TransportConfiguration()
        configuration.securedLifetime = lifetime
        configuration.trust = trust
        return ChunkTransport(
            endpoint: Endpoint(host: host, port: port, isSecure: isSecure),
            token: try token ?? AccessToken(Self.token), configuration: configuration)
    }

    /// The FileServer's end of it, with TLS.
    func remote(
        _ trust: TransportTrust, cluster: ClusterID = membership.cluster,
        lifetime: TimeAmount = .minutes(10)
    ) throws -> RemoteReplica {
        RemoteReplica(
            transport: try transport(trust, lifetime: lifetime),
            cluster: ClusterIdentity(cluster: cluster, epoch: Self.membership.epoch))
    }
}
