import DepotCluster
import DepotCore
import DepotWire

/// Lists names as people look at them: folder by folder, with how each file is.
struct FolderService: Sendable {
    /// Chunks that are looked at of one file, and for one page: a large file has a million.
    private static let chunksOfOneMax = 100
    private static let chunksMax = 2_000

    let pool: ReplicaPool
    let catalog: any FileCatalog & FolderCatalog

    func list(
        _ prefix: String, after: String?, limit: Int, withHealth: Bool, within reach: NameReach
    ) async throws(DepotError) -> FolderBody {
        let page = try await catalog.folder(
            prefix, after: after, limit: limit, within: reach)
        let counting = pool.countedForStatus
        var left = withHealth ? Self.chunksMax : 0
        var entries: [FolderBody.Entry] = []
        for entry in page.entries {
            var health: FolderBody.Health?
            if case .file(let file, _) = entry, left > 0 {
                health = try await look(at: file, counting: counting, &left)
            }
            entries.append(FolderBody.Entry(entry, health: health))
        }
        return FolderBody(
            entries: entries, next: page.hasMore ? page.entries.last?.cursor : nil)
    }

    /// - Returns: `nil` where the catalog does not know its chunks: somebody has replaced it.
    private func look(
        at file: FileEntry, counting: Set<ReplicaID>, _ left: inout Int
    ) async throws(DepotError) -> FolderBody.Health? {
        let limit = min(left, Self.chunksOfOneMax)
        do throws(DepotError) {
            let chunks = try await catalog.chunks(
                of: file.manifest, after: nil, limit: limit)
            left -= max(1, chunks.count)
            let fewest = chunks.map { $0.copies.good(on: counting).count }.min()
            let level = file.level.copies
            let copies = min(fewest ?? level, level)
            return FolderBody.Health(
                state: copies == 0 ? .unreadable : copies < level ? .degraded : .whole,
                copies: copies, isOfAll: chunks.count < limit)
        } catch  where error.code == .notFound {
            return nil
        }
    }
}
