/// What the FileServer remembers: names, manifests, who holds what, who is depositing.
///
/// Everything in it can be made again from the replicas. It offers whole intentions, each atomic, each of
/// which may be repeated, never an open transaction: another engine, shared by several FileServers, must be
/// able to stand behind it. Time that decides something is the catalog's own, and is given as durations of
/// its running time: a clock that jumps decides nothing. All operations throw `DepotError` and nothing else.
public protocol Catalog: CatalogUpkeep {
    // MARK: The cluster

    /// The cluster's id and epoch, made when the catalog was.
    func cluster() async throws(DepotError) -> ClusterIdentity

    /// The highest sequence that this catalog has given.
    func highestSequence() async throws(DepotError) -> CommitSequence

    /// In order of name.
    func members() async throws(DepotError) -> [Member]

    /// Adds a replica, or changes the address, name, zone and capacity of one that is there; its position
    /// counts for a new one only, `observe` says the rest.
    ///
    /// - Throws: `conflict` where another replica has that address or that name; `tooLarge` where the
    ///   cluster has as many members as this catalog can keep.
    func admit(_ member: Member) async throws(DepotError)

    /// A mark to take *before* a replica is asked something whose answer will be told to the catalog. By
    /// it the catalog knows an answer that was overtaken on its way: a copy vouched for, then released and
    /// deleted, is not made good again by the late word of the vouch.
    func mark() async throws(DepotError) -> CatalogMark

    /// Notes how far a replica's log goes. Where it does not continue what was noted before `mark`, every
    /// good holding of the replica becomes unproved, in the same transaction. An answer that was overtaken
    /// by a newer one on its way says nothing.
    ///
    /// - Parameter mark: taken before the replica was asked.
    /// - Returns: whether it continued.
    /// - Throws: `notFound` for a replica that is no member.
    func observe(
        _ position: LogPosition, of replica: ReplicaID, asOf mark: CatalogMark
    ) async throws(DepotError) -> Bool

    // MARK: Deposits

    /// Opens a lease, or gives the one that is open under this id; renews it. Everything else that a deposit
    /// does renews it, too. A catalog that is opened again renews all leases: downtime ends none.
    ///
    /// - Throws: `conflict` where the id is in use, or has receipts, with another level.
    func openDeposit(_ opening: DepositOpening) async throws(DepotError)

    /// Renews the lease between two intentions that do. A power cut may take this back.
    ///
    /// - Throws: `leaseEnded`.
    func renewDeposit(_ deposit: DepositID) async throws(DepotError)

    /// Gives up the lease and its pins. What was committed stays.
    func closeDeposit(_ deposit: DepositID) async throws(DepotError)

    /// Pins the chunks to the deposit, which holds them and their copies where they are, renews the lease, and
    /// says which must be sent, each once: those with fewer good copies on `live` replicas than `copies`.
    /// A chunk that has no good copy anywhere when the deposit first names it is the deposit's own in receipts.
    ///
    /// - Throws: `leaseEnded`; `manifestInvalid` where a chunk is known with another length.
    func negotiate(
        _ deposit: DepositID, chunks: [ChunkReference], live: Set<ReplicaID>, copies: Int
    ) async throws(DepotError) -> [ChunkReference]

    /// Takes what barriers said. Durable makes a holding good, absent removes it; for chunks that the deposit
    /// has pinned it is also noted which copies were vouched for, which is what a commit counts. A word that
    /// was overtaken since `mark`, by a release, a bad verdict or a log that went back, counts for nothing.
    /// Chunks that the catalog does not know are passed over.
    ///
    /// - Parameter mark: taken before the barriers were asked.
    /// - Throws: `leaseEnded`; `notFound` for a replica that is no member; `conflict` where the mark is too
    ///   old to tell: ask again.
    func prove(
        _ proof: BarrierProof, asOf mark: CatalogMark, deposit: DepositID
    ) async throws(DepotError)

    /// The lease's level, or `leaseEnded`.
    func depositLevel(_ deposit: DepositID) async throws(DepotError) -> ReplicationLevel

    /// Says which chunks manifests use; a manifest's pages one after the other, the last of which makes it
    /// complete. One that is complete already stays as it is. Pages may be sent again.
    ///
    /// - Throws: `leaseEnded`; `manifestInvalid` where a chunk is known with another length. Then nothing was
    ///   noted.
    func stage(_ pages: [ManifestPage], deposit: DepositID) async throws(DepotError)

    /// Which of these manifests were staged to their end, by whomever.
    func staged(among manifests: [ChunkID]) async throws(DepotError) -> Set<ChunkID>

    /// Publishes files, each atomically: requires the live lease, and for each chunk of the file, its
    /// manifest included, `copiesRequired` copies vouched for to this deposit that are still good. Assigns the
    /// sequence, puts the record into the outbox and keeps the receipt. A file that this deposit has committed
    /// already gives the same receipt again, after the lease ended, too, for `Receipt.keptFor`.
    ///
    /// - Returns: for each file, in order, its receipt, or what lacks copies.
    /// - Throws: `leaseEnded`; `conflict` where this deposit committed the name with another manifest;
    ///   `manifestInvalid` where a manifest was not staged to its end; `invalidArgument` where `copiesRequired`
    ///   is less than the majority of the level. Then nothing was committed.
    func commit(
        _ files: [FileCommit], deposit: DepositID, copiesRequired: Int, time: Int64
    ) async throws(DepotError) -> [CommitOutcome]

    /// The receipt that a deposit got for a name, if it did, and that is kept still.
    func receipt(of name: FileName, deposit: DepositID) async throws(DepotError) -> Receipt?

    // MARK: Records

    /// Records that are not yet where they belong, oldest first.
    func outbox(limit: Int) async throws(DepotError) -> [OutboxEntry]

    /// Notes that replicas vouched for records. A power cut may take the note back, but nothing that was noted before:
    /// the records are then delivered again. Unknown records are passed over.
    func confirm(_ confirmations: [RecordConfirmation]) async throws(DepotError)

    // MARK: Files

    /// - Throws: `notFound`.
    func file(_ name: FileName) async throws(DepotError) -> FileEntry

    /// Names that begin with `prefix`, in byte order, after `after`.
    func files(
        prefix: String, after: FileName?, limit: Int
    ) async throws(DepotError) -> [FileEntry]

    /// Where copies of these chunks are, in order; `nil` for an unknown one. Costs a third of `standings`.
    func copies(of chunks: [ChunkID]) async throws(DepotError) -> [ChunkCopies?]

    /// What is known of these chunks, in order; `nil` for an unknown one.
    func standings(of chunks: [ChunkID]) async throws(DepotError) -> [ChunkStanding?]

    /// The distinct chunks that a manifest uses, the manifest itself and its pieces included, in order of the
    /// catalog's own, after `cursor` (`nil`: from the first).
    ///
    /// - Parameter assuming: gives the targets that would hold if a file had another level than it has.
    /// - Throws: `notFound` where the manifest was not staged to its end, or the cursor is no known chunk.
    func chunks(
        of manifest: ChunkID, after cursor: ChunkID?, limit: Int, assuming: LevelAssumption?
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
    /// Call it *between* `ChunkStorage.condemn` and `delete`, and delete only what it returns: a vouch for the
    /// copy that was given before is void here, by its mark; one that is given after voids the token there.
    ///
    /// - Parameter mark: taken before the others were hashed; those set back since then do not count.
    /// - Returns: the chunks whose copy is released now, by this call or an earlier one; the others were not
    ///   touched.
    func release(
        _ chunks: [ChunkID], on replica: ReplicaID,
        hashedJustBefore: [ChunkID: Set<ReplicaID>], asOf mark: CatalogMark
    ) async throws(DepotError) -> [ChunkID]

    /// Takes out released holdings whose copies the replica has deleted.
    func removeReleased(_ chunks: [ChunkID], on replica: ReplicaID) async throws(DepotError)

    /// Holdings in that state on that replica, for proving or deleting them, in order of the catalog's own,
    /// after `cursor`.
    func holdings(
        on replica: ReplicaID, state: HoldingState, after cursor: ChunkID?, limit: Int
    ) async throws(DepotError) -> [ChunkReference]

    /// Takes what a replica found when it vouched or hashed outside of a deposit: good copies become good,
    /// bad ones bad, absent ones go. Released ones stay released until they are absent. A good word that was
    /// overtaken since `mark` counts for nothing. Chunks that the catalog does not know are passed over.
    ///
    /// - Parameter mark: taken before the replica was asked.
    /// - Throws: `notFound` for a replica that is no member; `conflict` where the mark is too old to tell.
    func settle(
        _ verdicts: [ChunkID: CheckVerdict], on replica: ReplicaID, asOf mark: CatalogMark
    ) async throws(DepotError)

    // MARK: Retrievals

    /// One lease on the manifests of some files as they are now. An id that is in use keeps what it holds and gets
    /// these as well.
    ///
    /// - Returns: each file, in order; `notFound` where there is none of the name.
    func openRetrieval(
        _ retrieval: RetrievalID, of names: [FileName], lease: Duration
    ) async throws(DepotError) -> [Result<FileEntry, DepotError>]

    /// `leaseEnded` where the lease is over.
    func renewRetrieval(_ retrieval: RetrievalID, lease: Duration) async throws(DepotError)

    func closeRetrieval(_ retrieval: RetrievalID) async throws(DepotError)

    // MARK: Figures

    func totals() async throws(DepotError) -> CatalogTotals
}

extension Catalog {
    /// As things are.
    public func chunks(
        of manifest: ChunkID, after cursor: ChunkID?, limit: Int
    ) async throws(DepotError) -> [ChunkStanding] {
        try await chunks(of: manifest, after: cursor, limit: limit, assuming: nil)
    }

    /// Whether a manifest was staged to its end.
    public func isStaged(manifest: ChunkID) async throws(DepotError) -> Bool {
        try await staged(among: [manifest]) == [manifest]
    }
}
