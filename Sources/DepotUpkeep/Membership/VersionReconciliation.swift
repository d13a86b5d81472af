import DepotCluster
import DepotCore

/// Takes over what names were before from a member that was away when the catalog was rebuilt: words
/// that it alone has, and those of which it has the chunks that were missing.
struct VersionReconciliation: Sendable {
    let catalog: any RestorationCatalog & CopyCatalog & FileCatalog
    let manifests: ManifestReader

    /// - Throws: `conflict` where the catalog is not partial any more.
    func run() async throws(DepotError) {
        let restorer = ManifestRestorer(catalog: catalog, manifests: manifests)
        var last: FileName?
        while true {
            let names = try await catalog.restorable(
                after: last, limit: RebuildReading.recordsAtOnce)
            guard let name = names.last?.name else { return }
            for name in names {
                let older = try await whole(name.versions.dropFirst(), restorer)
                for part in older.batches(of: RebuildReading.recordsAtOnce) {
                    try await catalog.restoreVersions(Array(part))
                }
            }
            last = name
        }
    }

    private func whole(
        _ words: ArraySlice<AddressedRecord>, _ restorer: ManifestRestorer
    ) async throws(DepotError) -> [RecordAddress] {
        var whole: [RecordAddress] = []
        for word in words {
            if case .file(_, let manifest, _, _) = word.record.content,
                try await !restorer.restore(manifest).isEmpty
            {
                continue
            }
            whole.append(word.address)
        }
        return whole
    }
}
