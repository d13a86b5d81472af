import DepotCluster
import DepotCore
import DepotReplicaLink
import DepotSQLiteCatalog
import DepotServer
import DepotWire
import Logging

/// Puts a FileServer together: the catalog on SQLite, replicas across the network.
struct FileServerSetup {
    let data: String
    let listen: ListenAddress
    let replicas: [ReplicaConfiguration]
    let token: AccessToken
    let clusterToken: AccessToken
    /// `nil`: without TLS.
    var tls: TLSKeeper?
    let timing: TimingOptions
    /// Where the audit goes; the log otherwise.
    var audit: String?
    /// Whether administrators may break locks.
    var breaksLocks = false

    func server(_ logger: Logger) async throws(DepotError) -> FileServer {
        guard token.digest != clusterToken.digest else {
            throw DepotError(
                .invalidArgument,
                "clients and replicas have the same token, so every client could delete what "
                    + "replicas hold; make another one: depot token FILE")
        }
        let (clusterToken, tls) = (clusterToken, tls)
        var configuration = FileServerConfiguration(
            host: listen.host, port: listen.port, replicas: replicas, token: token,
            version: BuildVersion.number)
        let catalog = try await SQLiteCatalog.open(
            at: data, versions: timing.versions, metrics: configuration.metrics, logger: logger)
        configuration.tokens = TokenFile(in: data)
        configuration.audit = try audit.map { path throws(DepotError) in
            try AuditFile(path, logger)
        }
        configuration.breaksLocks = breaksLocks
        configuration.tls = tls.map { ServerTLS($0, callers: .anybody) }
        timing.apply(to: &configuration.timing)
        return FileServer(
            configuration: configuration, catalog: catalog,
            links: { replica, cluster throws(DepotError) in
                try Self.link(to: replica, of: cluster, token: clusterToken, tls)
            },
            logger: logger)
    }

    static func link(
        to replica: ReplicaConfiguration, of cluster: ClusterIdentity, token: AccessToken,
        _ tls: TLSKeeper?
    ) throws(DepotError) -> RemoteReplica {
        let endpoint = try Endpoint(replica.url)
        var configuration = TransportConfiguration()
        if let tls { configuration.trust = .replica(tls) }
        guard !endpoint.isSecure || tls != nil else {
            throw DepotError(
                .invalidArgument,
                "it speaks TLS, and wants the FileServer's certificate: give --tls-certificate, "
                    + "--tls-key and --tls-ca", object: endpoint.description)
        }
        return RemoteReplica(
            transport: ChunkTransport(
                endpoint: endpoint, token: token, configuration: configuration),
            cluster: cluster)
    }
}
