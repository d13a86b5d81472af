import DepotCluster
import DepotCore

/// What a file lacks to be whole.
struct FileGap: Sendable, Hashable {
    /// Chunks that are listed by name.
    static let listedMax = 3

    /// Distinct chunks that no replica holds; of the content, where its list could be read.
    var chunks = 0
    var listed: [ChunkID] = []
    /// Why the list of its chunks could not be read, where that is so.
    var manifest: String?

    var isEmpty: Bool { chunks == 0 && manifest == nil }

    mutating func note(_ chunk: ChunkID) {
        chunks += 1
        if listed.count < Self.listedMax { listed.append(chunk) }
    }

    /// For people to read.
    var description: String {
        if let manifest { return "its list of chunks cannot be read: \(manifest)" }
        let more = chunks > listed.count ? " and \(chunks - listed.count) more" : ""
        return "no replica holds " + listed.map(\.hex).joined(separator: ", ") + more
    }
}

/// Enters manifests into a catalog that has lost them: read from replicas, hashed, parsed, and only
/// where every chunk that they name is held by somebody. Of an inline one there is nothing to enter:
/// its chunk has to be held. The catalog's holdings have to be there already.
struct ManifestRestorer: Sendable {
    /// Chunks that are looked up at once.
    private static let batchSize = 10_000

    let catalog: any RestorationCatalog & CopyCatalog & FileCatalog
    let manifests: ManifestReader

    /// - Returns: what is missing; empty where the manifest is in the catalog now.
    func restore(_ reference: ManifestReference) async throws(DepotError) -> FileGap {
        if !reference.isInline, try await catalog.isStaged(manifest: reference.id) {
            return FileGap()
        }
        do throws(DepotError) {
            guard let found = try await manifests.read([reference])[reference.id] else {
                throw DepotError(.noGoodCopy, "it was not read", object: reference.id.hex)
            }
            return try await restore(try found.get())
        } catch  where error.code == .noGoodCopy || error.code == .manifestInvalid {
            return FileGap(manifest: error.description)
        }
    }

    private func restore(_ outline: ManifestOutline) async throws(DepotError) -> FileGap {
        var chunks: [ChunkReference] = []
        var seen: Set<ChunkID> = []
        _ = try await manifests.walk(outline) { page, _ async throws(DepotError) in
            for chunk in page where seen.insert(chunk.id).inserted { chunks.append(chunk) }
        }
        var gap = FileGap()
        for batch in chunks.batches(of: Self.batchSize) {
            let known = try await catalog.copies(of: batch.map(\.id))
            for (chunk, copies) in zip(batch, known) where !Self.isHeld(chunk, copies) {
                gap.note(chunk.id)
            }
        }
        if gap.isEmpty, !outline.reference.isInline {
            try await catalog.restore(
                manifest: outline.reference.text, chunks: chunks, pieces: outline.pieces)
        }
        return gap
    }

    private static func isHeld(_ chunk: ChunkReference, _ copies: ChunkCopies?) -> Bool {
        guard let copies, copies.reference == chunk else { return false }
        return copies.holdings.contains { $0.state == .good || $0.state == .unproved }
    }
}
