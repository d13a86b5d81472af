/// A chunk of a file, and where in the file it begins.
public struct PlacedChunk: Sendable, Hashable {
    public let offset: UInt64
    public let reference: ChunkReference

    public init(offset: UInt64, reference: ChunkReference) {
        self.offset = offset
        self.reference = reference
    }
}

/// Goes through a file's chunks in order, with memory for one piece of its list, and checks what a
/// manifest of depth 1 cannot show by itself.
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

    /// What a walk keeps of a piece that its manifest names again.
    private struct Measure {
        let firstLine: Int
        let bytes: UInt64
        let chunks: Int
    }

    private let manifest: Manifest
    private var state: State
    /// Pieces that are named more than once: a file may repeat itself, and a manifest may be made
    /// to cost much.
    private let repeated: Set<ChunkID>
    private var measures: [ChunkID: Measure] = [:]
    /// Pieces taken.
    private var taken = 0
    /// Bytes of the text of the piece before, and of the chunks of all before.
    private var lastLength = 0
    private var offset: UInt64 = 0

    public init(_ manifest: Manifest) {
        self.manifest = manifest
        switch manifest.depth {
        case .chunks: (state, repeated) = (.holding(manifest.entries), [])
        case .pieces:
            var seen: Set<ChunkID> = []
            repeated = Set(manifest.entries.map(\.id).filter { !seen.insert($0).inserted })
            state = .wanting
        }
    }

    public mutating func next() -> Step {
        if case .holding(let entries) = state, !entries.isEmpty {
            state = .wanting
            return .chunks(place(entries))
        }
        guard let piece = nextPiece else {
            assert(offset == manifest.size, "a walk ends before or behind its file's end")
            return .end
        }
        return .piece(piece)
    }

    private var nextPiece: ChunkReference? {
        assert(
            (0...manifest.entries.count).contains(taken), "more pieces were taken than there are")
        guard manifest.depth == .pieces, taken < manifest.entries.count else { return nil }
        return manifest.entries[taken]
    }

    /// Goes past the next piece without it, where it was taken before under this walk and its
    /// chunks end at or before `end`: what it comes to is known. Its chunks are not given again.
    ///
    /// - Returns: how many chunks these are; `nil` where something else is next.
    /// - Throws: `manifestInvalid` where sizes do not add up.
    public mutating func pass(through end: UInt64) throws(DepotError) -> Int? {
        guard case .wanting = state, let piece = nextPiece, let measure = measures[piece.id],
            offset <= end, measure.bytes <= end - offset
        else { return nil }
        try check(measure, of: piece)
        taken += 1
        lastLength = piece.length
        offset += measure.bytes
        assert(offset <= end, "a walk passed what was not to be passed")
        return measure.chunks
    }

    private mutating func place(_ entries: [ChunkReference]) -> [PlacedChunk] {
        entries.map { entry in
            defer { offset += UInt64(entry.length) }
            return PlacedChunk(offset: offset, reference: entry)
        }
    }

    /// Takes the piece that `next()` named last.
    ///
    /// - Throws: `hashMismatch` for another one; `manifestInvalid` where it is none, or not as long
    ///   as it would be had the list been cut where lists are cut, or where sizes do not add up.
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
        let measure = Measure(
            firstLine: ManifestText.lineLength(entries[0]),
            bytes: entries.reduce(0) { $0 + UInt64($1.length) }, chunks: entries.count)
        try check(measure, of: expected)
        if repeated.contains(expected.id) { measures[expected.id] = measure }
        taken += 1
        lastLength = expected.length
        state = .holding(entries)
    }

    private func check(_ measure: Measure, of piece: ChunkReference) throws(DepotError) {
        let isGreedy =
            taken == 0 || lastLength + measure.firstLine > Limits.manifestSizeMax
        guard isGreedy else {
            throw DepotError(
                .manifestInvalid, "the piece before this one of the manifest is not full",
                object: piece.id.hex)
        }
        let (end, isTooLarge) = offset.addingReportingOverflow(measure.bytes)
        let isLast = taken + 1 == manifest.entries.count
        guard !isTooLarge, isLast ? end == manifest.size : end < manifest.size else {
            throw DepotError(
                .manifestInvalid,
                "the manifest says size \(manifest.size), but up to this piece its chunks have "
                    + "\(end) bytes", object: piece.id.hex)
        }
    }
}
