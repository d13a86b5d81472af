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
    let timing: TimingOptions
    /// Where the audit goes; the log otherwise.
    var audit: String?

    func server(_ logger: Logger) async throws(DepotError) -> FileServer {
        guard token.digest != clusterToken.digest else {
            throw DepotError(
                .invalidArgument,
                "clients and replicas have the same token, so every client could delete what "
                    + "replicas hold; make another one: depot token FILE")
        }
        let catalog = try await SQLiteCatalog.open(
            at: data, versions: timing.versions, logger: logger)
        let clusterToken = clusterToken
        var configuration = FileServerConfiguration(
            host: listen.host, port: listen.port, replicas: replicas, token: token,
            version: Depot.version)
        configuration.tokens = TokenFile(in: data)
        configuration.audit = try audit.map { path throws(DepotError) in
            try AuditFile(path, logger)
        }
        timing.apply(to: &configuration.timing)
        return FileServer(
            configuration: configuration, catalog: catalog,
            links: { replica, cluster throws(DepotError) in
                try Self.link(to: replica, of: cluster, token: clusterToken)
            },
            logger: logger)
    }

    static func link(
        to replica: ReplicaConfiguration, of cluster: ClusterIdentity, token: AccessToken
    ) throws(DepotError) -> RemoteReplica {
        RemoteReplica(
            transport: ChunkTransport(endpoint: try Endpoint(replica.url), token: token),
            cluster: cluster)
    }
}
