import DepotCore
import NIOCore

/// A manifest that was read from a replica, verified and parsed.
struct ManifestOutline: Sendable {
    let reference: ChunkReference
    let manifest: Manifest

    /// Pieces of its list of chunks, where it has any.
    var pieces: [ChunkReference] { manifest.depth == .pieces ? manifest.entries : [] }
}

/// Reads manifests from the replicas that hold them.
struct ManifestReader: Sendable {
    let fetcher: ChunkFetcher
    let budget: MemoryBudget

    /// - Returns: for each distinct manifest what was read, or why not: `noGoodCopy` or `manifestInvalid`.
    func read(
        _ references: [ChunkReference]
    ) async throws(DepotError) -> [ChunkID: Result<ManifestOutline, DepotError>] {
        var outlines: [ChunkID: Result<ManifestOutline, DepotError>] = [:]
        for batch in ChunkBatch.cut(Array(Set(references)), bytesMax: ChunkBatch.bytesMax) {
            let reservation = try await budget.reserve(batch.reduce(0) { $0 + $1.length })
            for (reference, found) in zip(batch, try await fetcher.verified(batch)) {
                outlines[reference.id] = Self.outline(reference, found)
            }
            withExtendedLifetime(reservation) {}
        }
        return outlines
    }

    private static func outline(
        _ reference: ChunkReference, _ found: VerifiedObject?
    ) -> Result<ManifestOutline, DepotError> {
        Result { () throws(DepotError) in
            guard let found else { throw missing(reference) }
            return ManifestOutline(
                reference: reference, manifest: try Manifest(parsing: found.contiguous))
        }
    }

    private static func missing(_ reference: ChunkReference) -> DepotError {
        DepotError(
            .noGoodCopy, "no replica that can be reached has a good copy of this manifest",
            object: reference.id.hex)
    }

    /// Gives the file's chunks, a piece of the list at a time.
    ///
    /// - Parameter body: gets chunks, and whether they are the last ones.
    /// - Returns: how many there are.
    /// - Throws: `manifestInvalid` where pieces do not add up; `noGoodCopy`.
    func walk(
        _ outline: ManifestOutline,
        _ body: ([ChunkReference], Bool) async throws(DepotError) -> Void
    ) async throws(DepotError) -> Int {
        var walk = ManifestWalk(outline.manifest)
        var count = 0
        while true {
            switch walk.next() {
            case .chunks(let chunks):
                count += chunks.count
                try await body(chunks.map(\.reference), false)
            case .piece(let piece):
                try walk.take(try await fetch(piece))
            case .end:
                try await body([], true)
                return count
            }
        }
    }

    func fetch(_ piece: ChunkReference) async throws(DepotError) -> VerifiedObject {
        guard let found = try await fetcher.verified([piece]).first ?? nil else {
            throw Self.missing(piece)
        }
        return found
    }
}
