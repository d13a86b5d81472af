/// What the FileServer remembers: names, manifests, who holds what, who is depositing.
///
/// Everything in it can be made again from the replicas. It offers whole intentions, each atomic, each of
/// which may be repeated, never an open transaction: another engine, shared by several FileServers, must be
/// able to stand behind it. Time that decides something is the catalog's own, and is given as durations of
/// its running time: a clock that jumps decides nothing. All operations throw `DepotError` and nothing else.
public protocol Catalog: Sendable {
    // MARK: The cluster

    /// The cluster's id and epoch, made when the catalog was.
    func cluster() async throws(DepotError) -> ClusterIdentity

    /// The highest sequence that this catalog has given.
    func highestSequence() async throws(DepotError) -> CommitSequence

    /// In order of name.
    func members() async throws(DepotError) -> [Member]

    /// Adds a replica, or changes the address, name, zone and capacity of one that is there.
    ///
    /// - Throws: `conflict` where another replica has that address or that name.
    func admit(_ member: Member) async throws(DepotError)

    /// Notes how far a replica's log goes. Where it does not continue what was noted before, every good
    /// holding of the replica becomes unproved, in the same transaction.
    ///
    /// - Returns: whether it continued.
    func observe(_ position: LogPosition, of replica: ReplicaID) async throws(DepotError) -> Bool

    // MARK: Deposits

    /// Opens a lease, or gives the one that is open under this id; renews it.
    ///
    /// - Throws: `conflict` where the id is in use with another level.
    func openDeposit(_ opening: DepositOpening) async throws(DepotError)

    /// - Throws: `leaseEnded`.
    func renewDeposit(_ deposit: DepositID) async throws(DepotError)

    /// Gives up the lease and its pins. What was committed stays.
    func closeDeposit(_ deposit: DepositID) async throws(DepotError)

    /// Pins the chunks to the deposit, which holds them and their copies where they are, renews the lease, and
    /// says which must be sent: those with fewer good copies on `live` replicas than `copies`.
    ///
    /// - Throws: `leaseEnded`; `manifestInvalid` where a chunk is known with another length.
    func negotiate(
        _ deposit: DepositID, chunks: [ChunkReference], live: Set<ReplicaID>, copies: Int
    ) async throws(DepotError) -> [ChunkReference]

    /// Takes what barriers said. Durable makes a holding good, absent removes it; for chunks that the deposit
    /// has pinned it is also noted how many copies were vouched for, which is what a commit counts.
    ///
    /// - Throws: `leaseEnded`.
    func prove(_ proof: BarrierProof, deposit: DepositID) async throws(DepotError)

    /// The lease's level, or `leaseEnded`.
    func depositLevel(_ deposit: DepositID) async throws(DepotError) -> ReplicationLevel

    /// Says which chunks a manifest uses, a page after the other; the last page makes it complete. A
    /// manifest that is complete already stays as it is. For depth 1 the pieces are named, too.
    func stage(
        manifest: ChunkReference, uses chunks: [ChunkReference], isLast: Bool, deposit: DepositID
    ) async throws(DepotError)

    /// Whether a manifest was staged to its end, by whomever.
    func isStaged(manifest: ChunkID) async throws(DepotError) -> Bool

    /// Publishes files, each atomically: requires the live lease, and for each chunk of the file, its
    /// manifest included, `copiesRequired` copies vouched for to this deposit that are still good. Assigns the
    /// sequence, puts the record into the outbox and keeps the receipt. A file that this deposit has committed
    /// already gives the same receipt again.
    ///
    /// - Returns: for each file, in order, its receipt, or what lacks copies.
    func commit(
        _ files: [FileCommit], deposit: DepositID, copiesRequired: Int, time: Int64
    ) async throws(DepotError) -> [CommitOutcome]

    /// The receipt that a deposit got for a name, if it did.
    func receipt(of name: FileName, deposit: DepositID) async throws(DepotError) -> Receipt?

    // MARK: Records

    /// Records that are not yet where they belong, oldest first.
    func outbox(limit: Int) async throws(DepotError) -> [OutboxEntry]

    /// Notes that replicas vouched for a record; `isDone` takes it out of the outbox.
    func confirm(record: ChunkID, on replicas: [ReplicaID], isDone: Bool) async throws(DepotError)

    // MARK: Files

    /// - Throws: `notFound`.
    func file(_ name: FileName) async throws(DepotError) -> FileEntry

    /// Names that begin with `prefix`, in byte order, after `after`.
    func files(
        prefix: String, after: FileName?, limit: Int
    ) async throws(DepotError) -> [FileEntry]

    /// What is known of these chunks, in order; `nil` for an unknown one.
    func standings(of chunks: [ChunkID]) async throws(DepotError) -> [ChunkStanding?]

    /// The distinct chunks that a manifest uses, the manifest itself and its pieces included, in order of the
    /// catalog's own, after `cursor` (`nil`: from the first).
    func chunks(
        of manifest: ChunkID, after cursor: ChunkID?, limit: Int
    ) async throws(DepotError) -> [ChunkStanding]

    /// Gives a file another level, if nothing was committed to the name since `expected`.
    ///
    /// - Throws: `notFound`; `conflict` where the sequence is another one; `notEnoughReplicas` where a
    ///   chunk has fewer good copies than `copiesRequired`.
    func changeLevel(
        of name: FileName, expected: CommitSequence, to level: ReplicationLevel,
        copiesRequired: Int, time: Int64
    ) async throws(DepotError) -> FileRecord

    /// Deletes a name by a tombstone, which goes into the outbox like any record.
    ///
    /// - Throws: `notFound`.
    func delete(_ name: FileName, time: Int64) async throws(DepotError) -> FileRecord

    // MARK: Copies

    /// The gate to destruction: `good → released`, allowed only while the *other* copies that are good and
    /// are among `hashedJustBefore` are at least the chunk's target at that moment, which must be above 0.
    ///
    /// - Returns: the chunks whose copy was released; the others were not touched.
    func release(
        _ chunks: [ChunkID], on replica: ReplicaID,
        hashedJustBefore: [ChunkID: Set<ReplicaID>]
    ) async throws(DepotError) -> [ChunkID]

    /// Takes out released holdings whose copies the replica has deleted.
    func removeReleased(_ chunks: [ChunkID], on replica: ReplicaID) async throws(DepotError)

    /// Holdings in that state on that replica, for proving or deleting them, after `cursor`.
    func holdings(
        on replica: ReplicaID, state: HoldingState, after cursor: ChunkID?, limit: Int
    ) async throws(DepotError) -> [ChunkReference]

    /// Takes what a replica found when it vouched or hashed outside of a deposit: good copies become good,
    /// bad ones bad, absent ones go. Released ones stay released.
    func settle(
        _ verdicts: [ChunkID: CheckVerdict], on replica: ReplicaID
    ) async throws(DepotError)

    // MARK: Retrievals

    /// A lease on the file's manifest as it is now. `notFound` where there is no such file.
    func openRetrieval(
        _ retrieval: RetrievalID, of name: FileName, lease: Duration
    ) async throws(DepotError) -> FileEntry

    /// The manifest that a retrieval reads; renews the lease. `leaseEnded` where it is over.
    func retrievalManifest(
        _ retrieval: RetrievalID, lease: Duration
    ) async throws(DepotError) -> ChunkReference

    func closeRetrieval(_ retrieval: RetrievalID) async throws(DepotError)

    // MARK: Figures

    func totals() async throws(DepotError) -> CatalogTotals
}
