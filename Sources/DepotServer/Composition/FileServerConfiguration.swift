import DepotCluster
import DepotCore
import DepotMetrics
import DepotWire

/// Everything about a FileServer that an operator or a test chooses.
public struct FileServerConfiguration: Sendable {
    public var host: String
    /// 0: any free one; `FileServer.port()` says which.
    public var port: Int
    public var replicas: [ReplicaConfiguration]
    /// Its holder may do everything. Every request but `/health` has to carry it, or one of those
    /// that were made since.
    public var token: AccessToken
    public var tokens: any TokenKeeper = NoTokenKeeper()
    /// `nil`: the log, what administrators do as a notice and the rest as information.
    public var audit: (any Auditor)?
    /// Whether administrators may break locks. Else nobody can, whatever token he has.
    public var breaksLocks = false
    /// Shown by `status`.
    public var version: String
    /// How connections are secured; `nil`: not at all.
    public var tls: ServerTLS?
    public var timing = ServerTiming()
    /// How slow bodies and answers may be.
    public var transfers = TransferRules()
    public var limits = Limits()
    /// What is counted, for whoever asks at `/metrics`; the catalog may count here, too.
    public var metrics = MetricRegistry(MetricFamily.ofFileServer)

    public init(
        host: String, port: Int, replicas: [ReplicaConfiguration], token: AccessToken,
        version: String
    ) {
        self.host = host
        self.port = port
        self.replicas = replicas
        self.token = token
        self.version = version
    }

    public struct Limits: Sendable {
        /// Content in memory of all deposits together: five batches. More of them wait.
        public var depositMemory = 40 << 20
        /// The same of all retrievals.
        public var retrievalMemory = 40 << 20
        /// The same of bodies that are read whole, with what is made of them: lists, and JSON.
        public var bodyMemory = 24 << 20
        /// The same of what the FileServer does itself: copying, reading manifests.
        public var workMemory = 24 << 20
        /// Each holds some buffers beside the content; more wait to be accepted.
        public var connections = 256
        /// Deposits that are remembered beyond what the catalog keeps; the longest unused is
        /// forgotten.
        public var sessions = 1_024
        /// Deposits that one client may have open, a quarter of those that the catalog takes from
        /// all.
        public var depositsOfOne = 1_024

        public init() {}
    }
}
