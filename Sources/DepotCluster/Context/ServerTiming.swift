/// The times of a FileServer: how long it waits, how often it looks, how long it keeps.
public struct ServerTiming: Sendable {
    /// Between two questions how a replica is.
    public var monitorInterval = Duration.seconds(1)
    /// A replica that does not say how it is within this is down.
    public var probeLimit = Duration.seconds(2)
    /// So long does a change wait for a probe of replicas that a request found silent.
    public var suspicionLimit = Duration.seconds(3)
    /// A replica that has not answered for so long counts as lost: its copies are made elsewhere.
    public var lossGrace = Duration.seconds(600)
    /// The same for one that was stopped cleanly: whoever stopped it means to start it again.
    public var maintenanceGrace = Duration.seconds(3_600)
    /// Between two looks for chunks with too few or too many copies. Longer where looking takes
    /// long.
    public var repairPeriod = Duration.seconds(10)
    /// Chunks that nobody uses are kept this long before their copies go.
    public var collectionGrace = Duration.seconds(86_400)
    /// What a deposit brought that then ended without a commit is kept this long where there is
    /// room: run again, it finds it. Where a disk is full it goes at once.
    public var abandonedGrace = Duration.seconds(3_600)
    /// Between two collections.
    public var collectionPeriod = Duration.seconds(3_600)
    /// Between two verifications that nobody asked for, and how old a check may be before they make
    /// it anew.
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
    /// A replica that stalled, or was full, gets no new copies for this long unless there is no
    /// other.
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
