/// Leases of clients that read: what they read stays until they are done.
public protocol RetrievalCatalog: Sendable {
    /// Opens one lease on the manifests of some files, as they are now or were before. An id that is in use keeps
    /// its manifests and gets these as well. It works on a full disk, too: a lease that cannot be
    /// written is kept in memory.
    ///
    /// - Returns: each file, in order; `notFound` where no file has the name, or
    ///   had that sequence.
    /// - Throws: `busy` where the disk is full and too many leases are in memory.
    func openRetrieval(
        _ retrieval: RetrievalID, of names: [VersionName], lease: Duration
    ) async throws(DepotError) -> [Result<FileEntry, DepotError>]

    /// - Throws: `leaseEnded`.
    func renewRetrieval(_ retrieval: RetrievalID, lease: Duration) async throws(DepotError)

    /// Those of the chunks that the files of the retrieval consist of, their manifests included.
    ///
    /// - Throws: `leaseEnded`.
    func read(
        among chunks: [ChunkID], by retrieval: RetrievalID
    ) async throws(DepotError) -> Set<ChunkID>

    /// Ends the lease. A lease that cannot be ended now ends by itself.
    func closeRetrieval(_ retrieval: RetrievalID) async throws(DepotError)
}

extension RetrievalCatalog {
    /// Of files as they are now.
    public func openRetrieval(
        _ retrieval: RetrievalID, of names: [FileName], lease: Duration
    ) async throws(DepotError) -> [Result<FileEntry, DepotError>] {
        try await openRetrieval(retrieval, of: names.map { VersionName($0) }, lease: lease)
    }
}
