import DepotCore

/// The chunks that a manifest uses, a page at a time.
struct ChunkPages {
    private static let pageSize = 1_000

    private let manifest: ManifestReference
    private let catalog: any FileCatalog
    private let assumption: LevelAssumption?
    private var cursor: ChunkID?
    private var isOver = false

    init(
        _ manifest: ManifestReference, _ catalog: any FileCatalog,
        assuming assumption: LevelAssumption? = nil
    ) {
        self.assumption = assumption
        self.manifest = manifest
        self.catalog = catalog
    }

    /// - Returns: at least one chunk, or `nil` after the last.
    mutating func next() async throws(DepotError) -> [ChunkStatus]? {
        if isOver { return nil }
        let page = try await catalog.chunks(
            of: manifest, after: cursor, limit: Self.pageSize, assuming: assumption)
        cursor = page.last?.reference.id
        isOver = page.count < Self.pageSize
        return page.isEmpty ? nil : page
    }
}
