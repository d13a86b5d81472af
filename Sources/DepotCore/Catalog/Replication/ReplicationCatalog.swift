/// How the whole depot stands against the levels that its files ask for: what lacks copies, what
/// has too many, and what would be lost. Each reads in proportion to the depot.
public protocol ReplicationCatalog: Sendable {
    /// Chunks in use with fewer good copies on `counting` than their target, at most `limit`: the
    /// chunks with the fewest good copies first.
    func shortfall(
        counting: Set<ReplicaID>, limit: Int
    ) async throws(DepotError) -> [ChunkStatus]

    /// Chunks in use with more good copies on `counting` than their target, in order of the
    /// catalog's own, after `cursor`.
    func surplus(
        counting: Set<ReplicaID>, after cursor: ChunkID?, limit: Int
    ) async throws(DepotError) -> [ChunkStatus]

    /// What the depot holds in all.
    ///
    /// - Parameter counting: the members whose good copies count.
    func totals(counting: Set<ReplicaID>) async throws(DepotError) -> CatalogTotals

    /// The live files that have a chunk with fewer than two good copies elsewhere, if these
    /// replicas were gone; in order of name, after `cursor`.
    func losses(
        without replicas: Set<ReplicaID>, after cursor: FileName?, limit: Int
    ) async throws(DepotError) -> [FileLoss]

    /// How much would have to be copied, if these replicas were gone, to bring every chunk in use
    /// back to its target; and how many chunks would have no good copy left.
    func lossTotals(without replicas: Set<ReplicaID>) async throws(DepotError) -> LossTotals
}
