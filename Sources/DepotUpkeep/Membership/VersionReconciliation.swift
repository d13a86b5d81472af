import DepotCluster
import DepotCore

/// Takes over what names were before from a member that was away when the catalog was rebuilt: words
/// that it alone has, and those of which it has the chunks that were missing.
struct VersionReconciliation: Sendable {
    let catalog: any RestorationCatalog & CopyCatalog & FileCatalog
    let manifests: ManifestReader

    /// - Throws: `conflict` where the catalog is not partial any more.
    func run() async throws(DepotError) {
        let restorer = VersionRestorer(
            catalog: catalog,
            manifests: ManifestRestorer(catalog: catalog, manifests: manifests))
        var last: FileName?
        while true {
            let names = try await catalog.restorable(
                after: last, limit: RebuildReading.recordsAtOnce)
            guard let name = names.last?.name else { return }
            for name in names {
                _ = try await restorer.restore(name.versions.dropFirst(), before: nil)
            }
            last = name
        }
    }
}
