import DepotMetrics
import DepotWire

/// The settings of a StorageReplica's service.
public struct ReplicaServerConfiguration: Sendable {
    public var host: String
    /// The port to listen on. 0: any free one; `ReplicaServer.port()` says which.
    public var port: Int
    /// The secret that FileServers and replicas share. Every request but `/health` has to carry it.
    public var token: AccessToken
    /// Opens `GET /metrics` and nothing else; `nil`: only `token` opens that.
    public var metricsToken: AccessToken?
    /// What is counted, for whoever asks at `/metrics`.
    public var metrics = MetricRegistry(MetricFamily.ofReplica)
    /// Told there.
    public var version = "unknown"
    /// How connections are secured; `nil`: not at all.
    public var tls: ServerTLS?
    /// Bytes of objects in memory at once, over all connections. They are room for eight of the
    /// largest objects, or for thousands of small ones. A replica is to stay small beside its
    /// disk's cache.
    public var memory = 64 << 20
    /// How long a request may wait for memory.
    public var memoryPatience = Duration.seconds(20)
    /// Connections at once. A FileServer keeps at most a few dozen; more are somebody's mistake.
    public var connectionsMax = 512
    /// A connection on which nothing moves for this long is closed. It is longer than any barrier
    /// takes.
    public var idleLimit = Duration.seconds(180)
    /// Whether its FileServer is told when the service is stopped, and has some seconds to ask: not
    /// where both are stopped together.
    public var announcesStop = true
    /// How long requests under way may take when the service is stopped.
    public var shutdownGrace = Duration.seconds(10)

    public init(host: String, port: Int, token: AccessToken) {
        self.host = host
        self.port = port
        self.token = token
    }
}
