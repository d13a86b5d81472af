import DepotCore

/// Has a large catalog looked at for damage while it is in use, see `Catalog.check`. With a damaged one the FileServer goes on
/// reading, since what it hands out is hashed, and takes no more writes: it might acknowledge what it cannot find again, or
/// drop copies by what is wrong.
struct CatalogWatch: Sendable {
    let pool: ReplicaPool
    let catalog: any Catalog

    func run() async {
        do throws(DepotError) {
            try await catalog.check()
        } catch {
            if Task.isCancelled { return }
            guard error.code == .storeFailed else {
                pool.logger.warning(
                    "the catalog could not be looked at for damage",
                    metadata: ["error": "\(error)"])
                return
            }
            pool.shared.withLock { $0.catalogDamage = error }
            pool.logger.critical(
                "the catalog is damaged, and nothing more is written",
                metadata: ["error": "\(error)"])
        }
    }
}
