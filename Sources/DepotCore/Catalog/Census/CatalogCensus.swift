/// How all that the catalog knows of stands, for monitoring.
public struct CatalogCensus: Sendable, Hashable {
    /// Segments of a replica, as far as verifications know of them.
    public struct Scrub: Sendable, Hashable {
        public let segments: Int
        /// Sealed ones that were never read to their end.
        public let unread: Int
        /// Running time since the one was read that was not for longest; `nil` where none was.
        public let oldest: Duration?

        public init(segments: Int, unread: Int, oldest: Duration?) {
            self.segments = segments
            self.unread = unread
            self.oldest = oldest
        }
    }

    public let totals: CatalogTotals
    /// Chunks in use without a good copy on any member, wherever that is.
    public let unreadable: Int
    /// Chunks in use with fewer good copies than their target on the members that repair counts.
    public let toRepair: Int
    /// Live files with a chunk that has fewer good copies than their level, on the members that
    /// `totals` counts.
    public let degradedFiles: Int
    /// Copies of chunks by member; a state without copies may be missing.
    public let holdings: [ReplicaID: [HoldingState: Int]]
    /// Deposits and retrievals whose lease has not ended.
    public let deposits: Int
    public let retrievals: Int
    /// Records, alone or in batches, that are in the outbox.
    public let pendingRecords: Int
    /// Members whose segments no verification has listed are missing.
    public let scrubs: [ReplicaID: Scrub]

    public init(
        totals: CatalogTotals, unreadable: Int, toRepair: Int, degradedFiles: Int,
        holdings: [ReplicaID: [HoldingState: Int]], deposits: Int, retrievals: Int,
        pendingRecords: Int, scrubs: [ReplicaID: Scrub]
    ) {
        self.totals = totals
        self.unreadable = unreadable
        self.toRepair = toRepair
        self.degradedFiles = degradedFiles
        self.holdings = holdings
        self.deposits = deposits
        self.retrievals = retrievals
        self.pendingRecords = pendingRecords
        self.scrubs = scrubs
    }
}
