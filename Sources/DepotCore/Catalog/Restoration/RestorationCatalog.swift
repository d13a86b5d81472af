/// Filling an empty catalog from replicas, and knowing whether every member was heard.
public protocol RestorationCatalog: Sendable {
    /// Whether some member has not returned since the catalog was rebuilt without it. In a partial catalog
    /// no chunk is collected, no copy is dropped and no record is forgotten.
    func isPartial() async throws(DepotError) -> Bool

    /// Enters a manifest with what it uses, as found on replicas. Without a lease: for rebuilding
    /// only.
    ///
    /// - Throws: `conflict` unless the catalog is being rebuilt.
    func restore(
        manifest: ChunkReference, chunks: [ChunkReference], pieces: [ChunkReference]
    ) async throws(DepotError)

    /// Enters batches that a replica holds. Nothing is the word on a name by that. Once the rebuild
    /// has ended, records that are entered are unexplained: no collection takes them, and an
    /// inventory that shows them is not whole, until `enterOld` explains them.
    ///
    /// - Throws: `conflict` unless the catalog is partial.
    func enter(_ batches: [RecordBatch], on replica: ReplicaID) async throws(DepotError)

    /// Names of which records were entered, in order, each with all of them, the newest first.
    ///
    /// - Parameter limit: of records: a name that begins within it has all of its own.
    /// - Parameter name: behind which to begin; `nil`: with the first.
    func restorable(
        after name: FileName?, limit: Int
    ) async throws(DepotError) -> [RestorableName]

    /// Makes records that were entered the files and tombstones of their names, where they are the
    /// newest.
    ///
    /// - Returns: how many.
    /// - Throws: `conflict` unless the catalog is partial, or for an epoch higher than its own;
    ///   `manifestInvalid` for a file whose manifest was not restored; `notFound` for a record that
    ///   was not entered.
    @discardableResult
    func restore(_ records: [RecordAddress]) async throws(DepotError) -> Int

    /// Makes records that were entered what their names were before, where newer word is known of
    /// them: their time begins now. Those that are known as such already stay as they are.
    ///
    /// - Returns: how many.
    /// - Throws: as `restore`.
    @discardableResult
    func restoreVersions(_ records: [RecordAddress]) async throws(DepotError) -> Int

    /// Notes that records which were entered cannot be explained, as versions of files of which
    /// something is missing. Nothing is collected until a later inventory explains them.
    func leaveUnexplained(_ records: [RecordAddress]) async throws(DepotError)

    /// Notes that all that a member holds is known which a rebuild has missed. With the last of them
    /// the catalog is whole.
    func noteReturn(of replica: ReplicaID) async throws(DepotError)

    /// Ends the rebuild: from now on the catalog takes deposits. It stays partial until each of
    /// `missing` has returned or was forgotten.
    func finishRebuild(missing: Set<ReplicaID>) async throws(DepotError)
}
