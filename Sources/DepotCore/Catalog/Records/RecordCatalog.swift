/// Records: the way of each batch to its replicas, who holds it, and when it says nothing any more.
public protocol RecordCatalog: Sendable {
    /// Batches that are still on their way to their replicas, oldest first.
    ///
    /// - Parameter limit: of records: a batch that begins within it is whole.
    /// - Parameter position: of the last entry that was seen; `nil` to begin with the first.
    func outbox(
        after position: OutboxPosition?, limit: Int
    ) async throws(DepotError) -> [OutboxEntry]

    /// Where the last entry of the outbox stands; `nil` where it is empty.
    func outboxEnd() async throws(DepotError) -> OutboxPosition?

    /// Notes that replicas vouched for batches. A power cut may take back this note, and none that
    /// was made before it: the records are then delivered again. Unknown batches are passed over.
    func confirm(_ confirmations: [RecordConfirmation]) async throws(DepotError)

    /// Puts batches with current records, the newest of their names, into the outbox again where
    /// fewer than max(3, level) of `counting` have them, or fewer than `clusterSize` where that is
    /// less.
    ///
    /// - Returns: how many.
    func reopenRecords(
        counting: Set<ReplicaID>, clusterSize: Int
    ) async throws(DepotError) -> Int

    /// Takes verdicts of a replica on batches. A good one gets a holding there, and any other one
    /// loses it. One that lost it and has a current record, the newest of its name, goes to the
    /// outbox again. Unknown batches are passed over.
    func settle(
        records batches: [ChunkID: CheckVerdict], on replica: ReplicaID
    ) async throws(DepotError)

    /// The names that the records of each batch are about, some of them where they are many, in
    /// the order of the request; none for a batch that is
    /// unknown, or unexplained and without a current record.
    func names(ofRecords batches: [ChunkID]) async throws(DepotError) -> [[FileName]]

    /// Batches that may be deleted on the replica. Of each of their names a newer record is where it
    /// belongs, or the catalog has let the name go. A tombstone is among them only if no older
    /// record of its name is known anywhere, and every member was inventoried since the tombstone
    /// was in place and since the member was started last. None in a partial catalog, and none with
    /// a record that the catalog cannot explain.
    func obsoleteRecords(
        on replica: ReplicaID, limit: Int
    ) async throws(DepotError) -> [ChunkID]

    /// Removes holdings of batches that the replica has deleted. One that no replica holds and
    /// nothing needs goes, too.
    func removeRecords(_ batches: [ChunkID], on replica: ReplicaID) async throws(DepotError)

    /// Puts the current records of batches of which less than half is current into new batches,
    /// which go into the outbox. The old ones may be deleted when these are where they belong.
    ///
    /// - Parameter position: where the last step ended; `nil` to begin with the oldest batch.
    /// - Returns: where to go on; `nil` when all were looked at.
    func rewriteRecords(
        after position: OutboxPosition?
    ) async throws(DepotError) -> OutboxPosition?
}

extension RecordCatalog {
    /// The oldest batches that are still on their way.
    public func outbox(limit: Int) async throws(DepotError) -> [OutboxEntry] {
        try await outbox(after: nil, limit: limit)
    }
}
