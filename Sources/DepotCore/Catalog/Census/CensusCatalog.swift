/// Counts all that there is.
public protocol CensusCatalog: Sendable {
    /// Reads in proportion to the depot, beside all else; nobody who changes something waits for
    /// it.
    ///
    /// - Parameters:
    ///   - counting: the members whose good copies count for the health of files.
    ///   - repairing: those whose good copies count where copies are made.
    func census(
        counting: Set<ReplicaID>, repairing: Set<ReplicaID>
    ) async throws(DepotError) -> CatalogCensus
}
