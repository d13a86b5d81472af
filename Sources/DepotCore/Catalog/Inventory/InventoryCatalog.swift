/// Comparing what a replica lists with what is believed of it.
public protocol InventoryCatalog: OrderedCatalog {
    /// Whether a replica was started again, or its log went back, since its last whole inventory
    /// began: a crash may have taken deletions back. Until it is inventoried no tombstone expires.
    ///
    /// - Throws: `notFound` for a replica that is no member.
    func isInventoryDue(of replica: ReplicaID) async throws(DepotError) -> Bool

    /// Compares a part of a replica's inventory with its holdings. A chunk that the catalog does
    /// not know enters as an unused one, with an unproved copy; an unknown copy of a known chunk
    /// enters unproved, too. A known record without a holding there is named among the entered, and
    /// gets its holding by `settle`.
    ///
    /// Nothing is taken away. A good or unproved copy, or a record's holding, that the inventory
    /// does not show is returned as missing. It is to be asked for once more, since it may have
    /// come or gone while the list was made.
    ///
    /// - Parameter page: consecutive entries; the range ends at the last one, or is open where
    ///   `isLast`.
    /// - Throws: `notFound` for a replica that is no member.
    func reconcile(
        _ page: InventoryPage, of replica: ReplicaID
    ) async throws(DepotError) -> InventoryFindings

    /// Enters a batch that an inventory showed and that the catalog does not know, or could not
    /// explain before, where the catalog can explain each of its records: it has a newer record of
    /// the name, or this very one, or this catalog alone can have given the sequence and has let
    /// the record go since. The batch is deleted when its time comes; a tombstone holds its name
    /// down again. Any other record is unexplained, and then nothing is changed.
    ///
    /// - Returns: the unexplained ones; none where the batch was entered.
    func enterOld(
        _ batch: RecordBatch, on replica: ReplicaID
    ) async throws(DepotError) -> [FileRecord]

    /// Notes that an inventory showed a record of this file that the catalog cannot explain:
    /// nothing is collected until a later inventory of the replica is whole, or the replica is
    /// forgotten.
    func noteUnexplained(_ name: FileName, on replica: ReplicaID) async throws(DepotError)

    /// Notes that a replica was compared with the catalog from the first object to the last, and
    /// that this began at `mark`.
    func noteInventory(of replica: ReplicaID, asOf mark: CatalogMark) async throws(DepotError)
}
