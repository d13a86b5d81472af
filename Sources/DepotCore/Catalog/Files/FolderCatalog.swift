/// Files by folder.
public protocol FolderCatalog: Sendable {
    /// What stands directly below a prefix, after `after`, the cursor of an entry: at most `limit`
    /// entries. It reads in proportion to these, however much is below.
    ///
    /// - Parameter reach: what is out of it is left out, as if it were not there.
    func folder(
        _ prefix: String, after: String?, limit: Int, within reach: NameReach
    ) async throws(DepotError) -> FolderPage
}
