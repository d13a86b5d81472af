import DepotCore

/// Makes older words on names versions in a catalog that is filled from replicas, when it knows the
/// newest one: that says what of them is locked, and what is forgotten.
struct VersionRestorer: Sendable {
    let catalog: any RestorationCatalog
    let manifests: ManifestRestorer

    struct Result: Sendable {
        /// Words that are versions now.
        var restored = 0
        /// Files of which something is missing: they were on their way out, or a replica that has them
        /// is away. Their records stay, and are looked at again when it is back.
        var incomplete = 0
    }

    /// - Parameters:
    ///   - words: those before the newest one, the newest first.
    ///   - newest: the word on the name, where it is known already; what it has forgotten is not read.
    func restore(
        _ words: some Sequence<AddressedRecord>, before newest: FileRecord?
    ) async throws(DepotError) -> Result {
        var (result, whole) = (Result(), [RecordAddress]())
        var seen: Set<CommitSequence> = []
        // A record that was rewritten may be in two batches.
        for word in words where seen.insert(word.record.sequence).inserted {
            if newest?.history.forgets(word.record) ?? false { continue }
            if case .file(_, let manifest, _, _) = word.record.content,
                try await !manifests.restore(manifest).isEmpty
            {
                result.incomplete += 1
                continue
            }
            whole.append(word.address)
        }
        for part in whole.batches(of: RebuildReading.recordsAtOnce) {
            result.restored += try await catalog.restoreVersions(Array(part))
        }
        return result
    }
}
