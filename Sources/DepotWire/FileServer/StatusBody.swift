import DepotCore

public struct StatusBody: Sendable, Codable {
    public struct Replica: Sendable, Codable {
        public enum State: String, Sendable, Codable, CaseIterable {
            case up
            /// It answers, but stalled lately: it gets no new copies while there are others.
            case slow
            /// It is being emptied.
            case draining
            /// It does not answer.
            case down
            /// It does not answer, and said before that it was being stopped.
            case maintenance
            /// It has not answered for so long that its copies do not count any more.
            case lost
            /// It answers, but takes no writes.
            case readOnly
            /// It answers as something else than what is expected there; see `problem`.
            case refused
        }

        public let id: ReplicaID?
        public let name: String
        public let url: String
        public let zone: String
        public let state: State
        @ByteCount public private(set) var usedBytes: UInt64
        @ByteCount public private(set) var freeBytes: UInt64
        @Count public private(set) var chunks: Int
        /// Why it is not up.
        public let problem: String?
        /// Whole days until the certificate expires that it last showed; absent without TLS, and
        /// where an older FileServer answers.
        public let certificateDaysLeft: Count?
        /// Seconds since 1970 when it last said how it is; absent while it answers, and where it has
        /// not answered since the FileServer was started.
        public let lastAnswer: Int64?

        public init(
            id: ReplicaID?, name: String, url: String, zone: String, state: State,
            usedBytes: UInt64, freeBytes: UInt64, chunks: Int, problem: String?,
            certificateDaysLeft: Int? = nil, lastAnswer: Int64? = nil
        ) {
            self.id = id
            self.name = name
            self.url = url
            self.zone = zone
            self.state = state
            self.usedBytes = usedBytes
            self.freeBytes = freeBytes
            self.chunks = chunks
            self.problem = problem
            self.certificateDaysLeft = certificateDaysLeft.map { Count(wrappedValue: $0) }
            self.lastAnswer = lastAnswer
        }
    }

    public let cluster: ClusterID
    public let epoch: UInt32
    public let version: String
    /// Why nothing is written.
    public let problem: String?
    /// Whole days until the FileServer's certificate expires; absent without TLS, and where an older
    /// one answers.
    public let certificateDaysLeft: Count?
    public let replicas: [Replica]
    @Count public private(set) var files: Int
    @ByteCount public private(set) var logicalBytes: UInt64
    @ByteCount public private(set) var uniqueBytes: UInt64
    /// What names were before, and the bytes of chunks that nothing else uses; absent where an older
    /// FileServer answers.
    public let versions: Count?
    public let versionBytes: ByteCount?
    /// Seconds until the next of them go; absent where none is to go.
    public let versionSecondsLeft: Count?
    @ByteCount public private(set) var storedBytes: UInt64
    @Count public private(set) var underReplicated: Int

    public init(
        cluster: ClusterIdentity, version: String, problem: String? = nil, replicas: [Replica],
        totals: CatalogTotals, certificateDaysLeft: Int? = nil
    ) {
        self.cluster = cluster.cluster
        epoch = cluster.epoch
        self.version = version
        self.problem = problem
        self.certificateDaysLeft = certificateDaysLeft.map { Count(wrappedValue: $0) }
        self.replicas = replicas
        files = totals.files
        logicalBytes = totals.logicalBytes
        uniqueBytes = totals.uniqueBytes
        versions = Count(wrappedValue: totals.versions)
        versionBytes = ByteCount(totals.versionBytes)
        versionSecondsLeft = totals.versionsLeft.map {
            Count(wrappedValue: Int(clamping: $0.components.seconds))
        }
        storedBytes = totals.storedBytes
        underReplicated = totals.underReplicated
    }
}

public struct HealthBody: Sendable, Codable {
    public enum Status: String, Sendable, Codable {
        case ok
        case failing
    }

    public let status: Status

    public init(status: Status) { self.status = status }
}
