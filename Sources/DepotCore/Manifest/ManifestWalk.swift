/// A chunk of a file, and where in the file it begins.
public struct PlacedChunk: Sendable, Hashable {
    public let offset: UInt64
    public let reference: ChunkReference

    public init(offset: UInt64, reference: ChunkReference) {
        self.offset = offset
        self.reference = reference
    }
}

/// Goes through a file's chunks in order, with memory for one piece of its list, and checks what a manifest
/// of depth 1 cannot show by itself.
///
/// ```swift
/// var walk = ManifestWalk(manifest)
/// reading: while true {
///     switch walk.next() {
///     case .piece(let reference): try walk.take(try await fetch(reference))
///     case .chunks(let chunks): …
///     case .end: break reading
///     }
/// }
/// ```
public struct ManifestWalk: Sendable {
    public enum Step: Sendable {
        /// Fetch this piece and give it to `take`.
        case piece(ChunkReference)
        /// The file's next chunks; at least one.
        case chunks([PlacedChunk])
        /// There are no more, and everything added up.
        case end
    }

    private enum State {
        case holding([ChunkReference])
        case wanting
    }

    private let manifest: Manifest
    private var state: State
    /// Pieces taken.
    private var taken = 0
    /// Bytes of the text of the piece before, and of the chunks of all before.
    private var lastLength = 0
    private var offset: UInt64 = 0

    public init(_ manifest: Manifest) {
        self.manifest = manifest
        switch manifest.depth {
        case .chunks: state = .holding(manifest.entries)
        case .pieces: state = .wanting
        }
    }

    public mutating func next() -> Step {
        if case .holding(let entries) = state, !entries.isEmpty {
            state = .wanting
            return .chunks(place(entries))
        }
        guard manifest.depth == .pieces, taken < manifest.entries.count else { return .end }
        return .piece(manifest.entries[taken])
    }

    private mutating func place(_ entries: [ChunkReference]) -> [PlacedChunk] {
        entries.map { entry in
            defer { offset += UInt64(entry.length) }
            return PlacedChunk(offset: offset, reference: entry)
        }
    }

    /// Takes the piece that `next()` named last.
    ///
    /// - Throws: `hashMismatch` for another one; `manifestInvalid` where it is none, or not as long as it
    ///   would be had the list been cut where lists are cut, or where sizes do not add up.
    /// - Precondition: `next()` named a piece, which was not taken yet.
    public mutating func take(_ piece: VerifiedObject) throws(DepotError) {
        guard case .piece(let expected) = next() else {
            preconditionFailure("no piece is wanted")
        }
        guard ChunkReference(piece) == expected else {
            throw DepotError(
                .hashMismatch, "expected this piece of a manifest, found \(piece.id.hash)",
                object: expected.id.hex)
        }
        let entries = try ManifestPiece(parsing: piece.contiguous).entries
        try check(entries, of: expected)
        taken += 1
        lastLength = expected.length
        state = .holding(entries)
    }

    private func check(
        _ entries: [ChunkReference], of piece: ChunkReference
    ) throws(DepotError) {
        let isGreedy =
            taken == 0
            || lastLength + ManifestText.lineLength(entries[0]) > Limits.manifestSizeMax
        guard isGreedy else {
            throw DepotError(
                .manifestInvalid, "the piece before this one of the manifest is not full",
                object: piece.id.hex)
        }
        let end = entries.reduce(offset) { $0 + UInt64($1.length) }
        let isLast = taken + 1 == manifest.entries.count
        guard isLast ? end == manifest.size : end < manifest.size else {
            throw DepotError(
                .manifestInvalid,
                "the manifest says size \(manifest.size), but up to this piece its chunks have "
                    + "\(end) bytes", object: piece.id.hex)
        }
    }
}
