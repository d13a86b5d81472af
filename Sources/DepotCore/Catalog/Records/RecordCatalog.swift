/// Records: the way of each to its replicas, who holds it, and when it says nothing any more.
public protocol RecordCatalog: Sendable {
    /// Records that are still on their way to their replicas, oldest first.
    ///
    /// - Parameter position: of the last entry that was seen; `nil` to begin with the first.
    func outbox(
        after position: OutboxPosition?, limit: Int
    ) async throws(DepotError) -> [OutboxEntry]

    /// Where the last entry of the outbox stands; `nil` where it is empty.
    func outboxEnd() async throws(DepotError) -> OutboxPosition?

    /// Notes that replicas vouched for records. A power cut may take back this note, and none that
    /// was made before it: the records are then delivered again. Unknown records are passed over.
    func confirm(_ confirmations: [RecordConfirmation]) async throws(DepotError)

    /// Puts current records, the newest of their names, into the outbox again where fewer than
    /// max(3, level) of `counting` have them, or fewer than `clusterSize` where that is less.
    ///
    /// - Returns: how many.
    func reopenRecords(
        counting: Set<ReplicaID>, clusterSize: Int
    ) async throws(DepotError) -> Int

    /// Takes verdicts of a replica on records. A good record gets a holding there, and any other
    /// one loses it. A current record that lost one, the newest of its name, goes to the outbox
    /// again. Unknown records are passed over.
    func settle(
        records: [ChunkID: CheckVerdict], on replica: ReplicaID
    ) async throws(DepotError)

    /// The names of the records, in the order of the request; `nil` for an unknown record.
    func names(ofRecords records: [ChunkID]) async throws(DepotError) -> [FileName?]

    /// Records that may be deleted on the replica: a newer record of their name is where it
    /// belongs, or the catalog has let the name go. A tombstone is among them only if no older
    /// record of its name is known anywhere, and every member was inventoried since the tombstone
    /// was in place and since the member was started last. None in a partial catalog.
    func obsoleteRecords(
        on replica: ReplicaID, limit: Int
    ) async throws(DepotError) -> [ChunkID]

    /// Removes holdings of records that the replica has deleted. A record that no replica holds and
    /// nothing needs goes, too.
    func removeRecords(_ records: [ChunkID], on replica: ReplicaID) async throws(DepotError)
}

extension RecordCatalog {
    /// The oldest records that are still on their way.
    public func outbox(limit: Int) async throws(DepotError) -> [OutboxEntry] {
        try await outbox(after: nil, limit: limit)
    }
}
