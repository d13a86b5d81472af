import DepotCore
import DepotWire

/// A replica as the operator names it. Its identity is not here: that is the UUID in its folder.
public struct ReplicaConfiguration: Sendable, Hashable {
    /// What people call it; its address, where not given.
    public let name: String?
    /// `http://host:port`.
    public let url: String
    /// Copies of a chunk go to different zones first. All that have none given share one.
    public let zone: String?
    /// Its share of new copies is in proportion to this; its disk's size when first seen, where not given.
    public let capacity: ByteCount?

    public init(
        url: String, name: String? = nil, zone: String? = nil, capacity: ByteCount? = nil
    ) {
        self.url = url
        self.name = name
        self.zone = zone
        self.capacity = capacity
    }
}

/// Everything about a FileServer that an operator or a test chooses.
public struct FileServerConfiguration: Sendable {
    public var host: String
    /// 0: any free one; `FileServer.port()` says which.
    public var port: Int
    public var replicas: [ReplicaConfiguration]
    /// What every request but `/health` has to carry.
    public var token: AccessToken
    /// Shown by `status`.
    public var version: String
    public var timing = Timing()
    public var limits = Limits()

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

    public struct Timing: Sendable {
        /// Between two questions how a replica is.
        public var monitorInterval = Duration.seconds(1)
        /// A replica that does not say how it is within this is down.
        public var probeLimit = Duration.seconds(2)
        /// A replica that has not answered for so long counts as lost: its copies are made elsewhere.
        public var lossGrace = Duration.seconds(600)
        /// The same for one that was stopped cleanly: whoever stopped it means to start it again.
        public var maintenanceGrace = Duration.seconds(3_600)
        /// Between two looks for chunks with too few or too many copies. Longer where looking takes long.
        public var repairPeriod = Duration.seconds(10)
        /// Chunks that nobody uses are kept this long before their copies go.
        public var collectionGrace = Duration.seconds(86_400)
        /// Between two collections.
        public var collectionPeriod = Duration.seconds(3_600)
        /// Between two verifications that nobody asked for, and how old a check may be before they make it anew.
        public var verificationPeriod = Duration.seconds(86_400)
        public var verificationAge = Duration.seconds(14 * 86_400)
        /// A replica that makes no progress for this long is left behind.
        public var stallLimit = Duration.seconds(10)
        /// For a barrier: it waits for a disk that may have much to write.
        public var barrierLimit = Duration.seconds(60)
        /// For reading copies back from the disk and hashing them, a batch at a time.
        public var checkLimit = Duration.seconds(120)
        /// For rewriting a segment.
        public var compactionLimit = Duration.seconds(600)
        /// A replica that stalled, or was full, gets no new copies for this long unless there is no other.
        public var avoidance = Duration.seconds(30)
        /// Between two looks into the outbox, and at copies that are released but not deleted.
        public var chorePeriod = Duration.seconds(5)
        /// A deposit's lease: long enough for a client that is restarted by hand.
        public var depositLease = Duration.seconds(3_600)
        /// A retrieval's lease: renewed by each request.
        public var retrievalLease = Duration.seconds(600)
        /// So long are requests waited for when the FileServer is stopped.
        public var shutdownGrace = Duration.seconds(20)
        /// A connection that sends nothing for this long is closed; more than any wait of our own.
        public var idleLimit = Duration.seconds(180)

        public init() {}
    }

    public struct Limits: Sendable {
        /// Content in memory of all deposits together: five batches. More of them wait.
        public var depositMemory = 40 << 20
        /// The same of all retrievals.
        public var retrievalMemory = 40 << 20
        /// The same of what the FileServer does itself: copying, reading manifests.
        public var workMemory = 24 << 20
        /// Each holds some buffers beside the content; more wait to be accepted.
        public var connections = 256
        /// Deposits that are remembered beyond what the catalog keeps; the longest unused is forgotten.
        public var sessions = 1_024

        public init() {}
    }
}
