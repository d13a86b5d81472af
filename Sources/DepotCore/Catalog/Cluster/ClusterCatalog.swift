/// The catalog itself: which cluster it is of, which starts of a FileServer it has seen, and
/// whether it is sound.
public protocol ClusterCatalog: Sendable {
    /// The cluster's id and epoch, made when the catalog was.
    func cluster() async throws(DepotError) -> ClusterIdentity

    /// Makes the claim of a start, see `WriterClaim`; it is kept, durably, with those that were
    /// made before.
    func makeClaim() async throws(DepotError) -> WriterClaim

    /// Whether this catalog has made the claim, or the catalog that it is a copy of.
    func hasMade(_ claim: WriterClaim) async throws(DepotError) -> Bool

    /// Has the sequences of a start whose claim was accepted begin far behind the last one that
    /// this catalog has given, see `WriterClaim`; those of the first start begin at 1. Each call
    /// goes on.
    ///
    /// - Returns: the sequence before the first that is given from now on.
    func beginSequences(under claim: WriterClaim) async throws(DepotError) -> CommitSequence

    /// The highest sequence that this catalog has given.
    func highestSequence() async throws(DepotError) -> CommitSequence

    /// Looks for damage that opening a large catalog did not look for. Returns at once where
    /// nothing is left to be checked, and otherwise takes as long as reading everything does. Other
    /// calls do not wait for it. Ends early where the task is cancelled.
    ///
    /// - Throws: `storeFailed` where the catalog is damaged, or its disk cannot read all of it.
    func check() async throws(DepotError)

    /// Does a step of what earlier changes, or an older depot, have left to be done later, so that
    /// nobody waits for it. What the catalog says is the same before and after. Others wait for a
    /// step no longer than for a commit.
    ///
    /// - Returns: whether there was anything to do.
    func catchUp() async throws(DepotError) -> Bool

    /// Reads a piece of what makes later answers cheaper, and is kept in memory: at most 80 MiB, 20
    /// bits for each chunk. What the catalog says is the same before and after.
    ///
    /// - Returns: whether there is more to read.
    func learn() async throws(DepotError) -> Bool

    /// Waits until damage shows while the catalog is in use. From then on the catalog takes only
    /// changes that promise nothing and let nothing go. For one caller.
    ///
    /// - Returns: the damage, as an error; `nil` where the task was cancelled.
    func damage() async -> DepotError?
}

/// Which cluster a catalog is of.
public struct ClusterIdentity: Sendable, Hashable {
    public let cluster: ClusterID
    public let epoch: UInt32
    /// The claim of this start of the FileServer; `nil` for whoever only reads, and for a rebuild.
    public let writer: WriterClaim?

    public init(cluster: ClusterID, epoch: UInt32, writer: WriterClaim? = nil) {
        self.cluster = cluster
        self.epoch = epoch
        self.writer = writer
    }
}
