/// Deposits under way: their leases, what they have pinned and proved, and the commits that end in
/// files.
public protocol DepositCatalog: OrderedCatalog {
    /// Opens a lease, or renews the one that is open under this id. Everything else that a deposit
    /// does renews it, too. A catalog that is opened again renews all leases: downtime ends none.
    ///
    /// - Throws: `conflict` where the id is in use, or has receipts, with another level; `busy`
    ///   where as many deposits are open as the catalog takes.
    func openDeposit(_ opening: DepositOpening) async throws(DepotError)

    /// Renews the lease of a deposit that does nothing else for a while. A power cut may take this
    /// back.
    ///
    /// - Throws: `leaseEnded`.
    func renewDeposit(_ deposit: DepositID) async throws(DepotError)

    /// Gives up the lease and its pins; the pins of a large deposit go step by step. Committed
    /// files stay.
    func closeDeposit(_ deposit: DepositID) async throws(DepotError)

    /// The level of the lease.
    ///
    /// - Throws: `leaseEnded`.
    func depositLevel(_ deposit: DepositID) async throws(DepotError) -> ReplicationLevel

    /// Pins the chunks that the catalog knows to the deposit, so that they and their copies stay,
    /// and renews the lease. A power cut may take a renewal back. A chunk that has no good copy
    /// anywhere when the deposit first names it counts as new in the deposit's receipts.
    ///
    /// Of a chunk that it does not know the catalog notes nothing: it enters with the word of a
    /// replica, by `prove`, and the bytes decide how long it is.
    ///
    /// - Returns: the chunks that must be sent, each once: those with fewer good copies on `live`
    ///   replicas than `copies`.
    /// - Throws: `leaseEnded`; `manifestInvalid` where replicas hold a chunk with another length;
    ///   `busy` where deposits hold too many chunks.
    func negotiate(
        _ deposit: DepositID, chunks: [ChunkReference], live: Set<ReplicaID>, copies: Int
    ) async throws(DepotError) -> [ChunkReference]

    /// Those of the chunks that replicas have vouched for to the deposit.
    ///
    /// - Throws: `leaseEnded`.
    func vouched(
        among chunks: [ChunkID], to deposit: DepositID
    ) async throws(DepotError) -> Set<ChunkID>

    /// Takes the answers of barriers. Durable makes a holding good, absent removes it. A durable
    /// chunk that the catalog does not know enters, as a new one of this deposit. The catalog pins
    /// each to the deposit, and notes which copies were vouched for to it: a commit counts these.
    /// An answer that was overtaken since `mark`, by a release, a bad verdict or a log that went
    /// back, counts for nothing. A chunk that replicas hold with another length is passed over.
    ///
    /// - Parameter mark: taken before the barriers were asked.
    /// - Throws: `leaseEnded`; `notFound` for a replica that is no member; `conflict` where the
    ///   mark is too old to tell, or the replica may have deleted what the catalog did not know:
    ///   ask again; `busy` as `negotiate`.
    func prove(
        _ proof: BarrierProof, asOf mark: CatalogMark, deposit: DepositID
    ) async throws(DepotError)

    /// Says which chunks manifests use. The pages of a manifest come one after the other, and the
    /// last one makes it complete. A complete manifest stays as it is. Pages may be sent again. All
    /// chunks must be vouched for to this deposit: a manifest alone enters no chunk.
    ///
    /// - Returns: the chunks that no replica has vouched for, each once: then nothing was noted.
    /// - Throws: `leaseEnded`; `manifestInvalid` where a chunk is known with another length. Then
    ///   nothing was noted.
    func stage(
        _ pages: [ManifestPage], deposit: DepositID
    ) async throws(DepotError) -> [ChunkReference]

    /// Publishes files, each atomically. It requires the live lease and, for each chunk of the
    /// file, its manifest included where that is not inline, `copiesRequired` copies that were
    /// vouched for to this deposit and are still good. It assigns the sequence, puts the record into
    /// the outbox and keeps the receipt. A file that this deposit has committed already gives the
    /// same receipt again, also after the lease ended, for `Receipt.keptFor`. Durable.
    ///
    /// - Parameter word: of replicas, which is taken before anything is committed, as `prove` takes
    ///   it, in the same transaction; not where all of the files are committed already.
    /// - Returns: for each file, in order: its receipt, or the chunks that lack copies, or that the
    ///   name is not as the commit expects it.
    /// - Throws: what `prove` throws; `conflict` where this deposit committed the name with another
    ///   manifest; `manifestInvalid` where a manifest was not staged to its end, or replicas hold
    ///   the chunk of an inline one with another length; `invalidArgument`
    ///   where `copiesRequired` is less than the majority of the level. Then nothing was committed.
    func commit(
        _ files: [FileCommit], deposit: DepositID, copiesRequired: Int, time: Int64,
        hearing word: BarrierWord?
    ) async throws(DepotError) -> [CommitOutcome]
}

extension DepositCatalog {
    /// Commits what barriers have proved before.
    public func commit(
        _ files: [FileCommit], deposit: DepositID, copiesRequired: Int, time: Int64
    ) async throws(DepotError) -> [CommitOutcome] {
        try await commit(
            files, deposit: deposit, copiesRequired: copiesRequired, time: time, hearing: nil)
    }
}

/// What a client asks for when it begins to deposit.
public struct DepositOpening: Sendable, Hashable {
    public let deposit: DepositID
    public let level: ReplicationLevel
    /// How long the lease lasts after each renewal, in the catalog's running time.
    public let lease: Duration

    public init(deposit: DepositID, level: ReplicationLevel, lease: Duration) {
        self.deposit = deposit
        self.level = level
        self.lease = lease
    }
}
