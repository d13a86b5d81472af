/// Filling an empty catalog from replicas, and knowing whether every member was heard.
public protocol RestorationCatalog: Sendable {
    /// Whether some member was not inventoried since the catalog was rebuilt. In a partial catalog
    /// no chunk is collected, no copy is dropped and no record is forgotten.
    func isPartial() async throws(DepotError) -> Bool

    /// Enters a manifest with what it uses, as found on replicas. Without a lease: for rebuilding
    /// only.
    ///
    /// - Throws: `conflict` unless the catalog is being rebuilt.
    func restore(
        manifest: ChunkReference, chunks: [ChunkReference], pieces: [ChunkReference]
    ) async throws(DepotError)

    /// Enters records as found on replicas, each with its holders: the newest of a name becomes the
    /// file or tombstone.
    ///
    /// - Throws: `conflict` unless the catalog is being rebuilt; `manifestInvalid` for a file whose
    ///   manifest was not restored.
    func restore(_ records: [RestoredRecord]) async throws(DepotError)

    /// Ends the rebuild: from now on the catalog takes deposits. It stays partial until each of
    /// `missing` was inventoried or forgotten.
    func finishRebuild(missing: Set<ReplicaID>) async throws(DepotError)
}
