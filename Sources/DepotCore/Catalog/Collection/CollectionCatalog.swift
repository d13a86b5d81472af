/// What nobody uses any more, and the gate through which it goes.
public protocol CollectionCatalog: Sendable {
    /// What a collection would do now. Changes nothing.
    ///
    /// - Throws: `conflict` where the catalog is partial; `manifestInvalid` where a live file's
    ///   manifest is not known to its end: then nobody can say what is in use, and nothing may be
    ///   collected.
    func collectionPlan(grace: CollectionGrace) async throws(DepotError) -> CollectionPlan

    /// The first step of a collection. It forgets what names were before, where that is kept for
    /// longer than the policy says, and manifests that no file, lease or retrieval uses,
    /// and notes which chunks are unused since now, and which are used again. It forgets receipts
    /// of deposits that ended `Receipt.keptFor` ago, and records that nobody holds and nothing
    /// needs. In short transactions.
    ///
    /// - Throws: as `collectionPlan`; then nothing was changed.
    func markUnused() async throws(DepotError)

    /// Chunks that were unused for at least `grace` of running time and have a copy on the replica,
    /// in whatever state; after `cursor`.
    func unused(
        for grace: CollectionGrace, on replica: ReplicaID, after cursor: ChunkID?, limit: Int
    ) async throws(DepotError) -> [ChunkReference]

    /// The second step of a collection, and the other gate to destruction: copies become released,
    /// whatever their state was, where no file, lease or retrieval uses the chunk and it was unused
    /// for `grace`. From then on the chunk counts as lacking. To be called between `condemn` and
    /// `delete`, as `release` is. A chunk goes with its last copy. A file that was replaced or
    /// deleted uses its chunks until a majority of its replicas has the record of that.
    ///
    /// - Returns: the chunks whose copy there is released, by this call or an earlier one.
    /// - Throws: as `collectionPlan`; then nothing was changed.
    func releaseUnused(
        _ chunks: [ChunkID], for grace: CollectionGrace, on replica: ReplicaID
    ) async throws(DepotError) -> [ChunkID]

    /// The chunks among these that no file, lease or retrieval uses and that have no holding on the
    /// replica: a deposit sent them there, and no replica vouched for them. To be called between
    /// `condemn` and `delete`: a put or a vouch that comes after `condemn` voids the token, and what
    /// the replica vouched for before, and the catalog has not heard yet, is void from now on where
    /// the catalog does not know the chunk.
    ///
    /// - Throws: as `collectionPlan`.
    func strays(
        among chunks: [ChunkID], on replica: ReplicaID
    ) async throws(DepotError) -> [ChunkID]
}
