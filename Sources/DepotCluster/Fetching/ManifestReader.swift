import DepotCore
import NIOCore

/// A manifest that was read from a replica, verified and parsed, or that is inline.
package struct ManifestOutline: Sendable {
    package let reference: ManifestReference
    package let manifest: Manifest

    /// Pieces of its list of chunks, where it has any.
    package var pieces: [ChunkReference] { manifest.depth == .pieces ? manifest.entries : [] }
}

/// Reads manifests from the replicas that hold them.
package struct ManifestReader: Sendable {
    package let fetcher: ChunkFetcher
    package let budget: MemoryBudget

    /// - Returns: for each distinct manifest what was read, or is inline, or why not: `noGoodCopy`,
    ///   `unreachable` where a holder does not answer, or `manifestInvalid`.
    package func read(
        _ references: [ManifestReference]
    ) async throws(DepotError) -> [ChunkID: Result<ManifestOutline, DepotError>] {
        var outlines: [ChunkID: Result<ManifestOutline, DepotError>] = [:]
        var stored: Set<ChunkReference> = []
        for reference in references {
            if let manifest = reference.inlineManifest {
                outlines[reference.id] = .success(
                    ManifestOutline(reference: reference, manifest: manifest))
            } else {
                stored.insert(reference.text)
            }
        }
        for batch in ChunkBatch.cut(Array(stored), bytesMax: ChunkBatch.bytesMax) {
            let reservation = try await budget.reserve(batch.reduce(0) { $0 + $1.length })
            for (reference, found) in zip(batch, try await fetcher.verified(batch)) {
                outlines[reference.id] = outline(reference, found)
            }
            withExtendedLifetime(reservation) {}
        }
        return outlines
    }

    private func outline(
        _ reference: ChunkReference, _ obtained: Obtained<VerifiedObject>
    ) -> Result<ManifestOutline, DepotError> {
        Result { () throws(DepotError) in
            let found = try fetcher.require(obtained, of: reference, called: Self.what)
            return ManifestOutline(
                reference: ManifestReference(stored: reference),
                manifest: try Manifest(parsing: found.contiguous))
        }
    }

    private static let what = "this manifest"

    /// Gives the file's chunks, a piece of the list at a time. A piece that the list names again is
    /// not read again: its chunks were given. So the work is in proportion to what somebody has
    /// stored, whatever the list says.
    ///
    /// - Parameter body: gets chunks, and whether they are the last ones.
    /// - Returns: how many there are, repeated ones included.
    /// - Throws: `manifestInvalid` where pieces do not add up; `noGoodCopy`; `unreachable` where a
    ///   holder does not answer, or nobody waits for it.
    package func walk(
        _ outline: ManifestOutline,
        _ body: ([ChunkReference], Bool) async throws(DepotError) -> Void
    ) async throws(DepotError) -> Int {
        var walk = ManifestWalk(outline.manifest)
        var count = 0
        while true {
            if let repeated = try walk.pass(through: .max) {
                count += repeated
                continue
            }
            guard !Task.isCancelled else {
                throw DepotError(
                    .unreachable, "given up: nobody waits for it", object: outline.reference.id.hex)
            }
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

    package func fetch(_ piece: ChunkReference) async throws(DepotError) -> VerifiedObject {
        let reservation = try await budget.reserve(piece.length)
        defer { withExtendedLifetime(reservation) {} }
        let obtained = try await fetcher.verified([piece]).first ?? .absent(silent: [])
        return try fetcher.require(obtained, of: piece, called: Self.what)
    }
}
