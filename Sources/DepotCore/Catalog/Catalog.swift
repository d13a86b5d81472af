/// What the FileServer remembers: names, manifests, which replica holds which chunk, which deposits
/// are under way.
///
/// Everything in it can be made again from the replicas. It offers whole intentions, each atomic,
/// each of which may be repeated, never an open transaction: another engine, shared by several
/// FileServers, must be able to stand behind it. Time that decides something is the catalog's own
/// running time, given as durations: a clock that jumps decides nothing. All operations throw
/// `DepotError` and nothing else. Lists come in pages, in an order of the catalog's own unless
/// another one is said.
///
/// An implementation offers all roles, and the composition of a FileServer hands them out. A
/// service takes only the roles that it needs: its type then says what it can change.
public typealias Catalog = ClusterCatalog & MembershipCatalog & DepositCatalog & FileCatalog
    & ChangeCatalog & CopyCatalog & RecordCatalog & RetrievalCatalog & ReplicationCatalog
    & InventoryCatalog & ScrubCatalog & CollectionCatalog & RestorationCatalog & VersionCatalog
    & RetentionCatalog & CensusCatalog & FolderCatalog

extension DepotError {
    /// A catalog that throws this could not write: its disk has no room, or failed. Nothing was
    /// changed, and the change itself may be right. Reading goes on.
    public var isCatalogUnwritable: Bool {
        code == .storageFull || code == .storeFailed || code == .busy
    }
}
