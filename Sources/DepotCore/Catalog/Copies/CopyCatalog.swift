/// Which replica holds which chunk, what it was last found to be, and the gate through which a copy
/// is let go.
public protocol CopyCatalog: OrderedCatalog {
    /// Where copies of these chunks are, in the order of the request; `nil` for an unknown chunk.
    /// Costs a third of `statuses`.
    func copies(of chunks: [ChunkID]) async throws(DepotError) -> [ChunkCopies?]

    /// Copies and targets of these chunks, in the order of the request; `nil` for an unknown chunk.
    func statuses(of chunks: [ChunkID]) async throws(DepotError) -> [ChunkStatus?]

    /// The chunks whose holding on the replica has the state, behind `cursor`: to be proved or
    /// deleted. Each call goes over a bounded part of the depot: a page says where to go on, and may
    /// be empty or short before the last one. Where all pages are asked for, each chunk that has the
    /// state from the first call to the last is in one of them.
    ///
    /// - Throws: `notFound` for a replica that is no member.
    func holdings(
        on replica: ReplicaID, state: HoldingState, after cursor: ChunkPlace?, limit: Int
    ) async throws(DepotError) -> CopyPage

    /// Takes verdicts of a replica that vouched or hashed outside of a deposit: good copies become
    /// good, bad ones bad, absent ones go. Released copies stay released until they are absent. A
    /// good verdict that was overtaken since `mark` counts for nothing. Chunks that the catalog
    /// does not know are passed over, and so are chunks that nobody holds or uses: how long they
    /// are comes by `InventoryCatalog.reconcile`.
    ///
    /// - Parameter mark: taken before the replica was asked.
    /// - Throws: `notFound` for a replica that is no member; `conflict` where the mark is too old
    ///   to tell.
    func settle(
        _ verdicts: [ChunkID: CheckVerdict], on replica: ReplicaID, asOf mark: CatalogMark
    ) async throws(DepotError)

    /// The gate to destruction: `good → released`. It opens only while the *other* copies that are
    /// good and are among `hashedJustBefore` are at least the chunk's target at that moment, and
    /// the target is above 0.
    ///
    /// Call it *between* `ChunkStorage.condemn` and `delete`, and delete only the chunks that it
    /// returns. A vouch for the copy that was given before is void here, by its mark; a vouch that
    /// is given after voids the token there.
    ///
    /// - Parameter mark: taken before the others were hashed; a copy that was released or found bad
    ///   since then does not count.
    /// - Returns: the chunks whose copy is released now, by this call or an earlier one; the others
    ///   were not touched.
    func release(
        _ chunks: [ChunkID], on replica: ReplicaID,
        hashedJustBefore: [ChunkID: Set<ReplicaID>], asOf mark: CatalogMark
    ) async throws(DepotError) -> [ChunkID]

    /// Removes released holdings, whose copies the replica has deleted.
    func removeReleased(_ chunks: [ChunkID], on replica: ReplicaID) async throws(DepotError)
}
