import NIOCore

// The list of a file's chunks, as text that `cut` and `sha256sum` understand. One file, one text,
// one id: so the parser takes exactly what the writer writes, and anything else is no manifest.
//
// Depth 1. Where the text at depth 0 would be over `Limits.manifestSizeMax`, the lines alone go
// into pieces, which are chunks themselves: each takes as many lines as fit into
// `Limits.manifestSizeMax`, so that the same chunks always make the same pieces. The manifest then
// lists the pieces, with the lengths of their text, while its `size` stays that of the file.

/// What a file consists of, in order.
public struct Manifest: Sendable, Hashable {
    public enum Depth: Int, Sendable, Codable {
        /// The entries are the file's chunks.
        case chunks = 0
        /// The entries are pieces of the list of chunks; see `ManifestPiece`.
        case pieces = 1
    }

    public let depth: Depth
    /// Bytes of the file.
    public let size: UInt64
    public let entries: [ChunkReference]

    init(depth: Depth, size: UInt64, entries: [ChunkReference]) {
        self.depth = depth
        self.size = size
        self.entries = entries
    }

    /// Takes exactly the text that `encoded` gives.
    ///
    /// - Throws: `manifestInvalid`, saying what is wrong and in which line. At depth 1 whether
    ///   sizes add up shows only when the pieces are read: `ManifestWalk`.
    public init(parsing text: ByteBuffer) throws(DepotError) {
        let (depth, size, entries) = try ManifestText.parse(text) {
            (text: inout ManifestText) throws(DepotError) in
            let (depth, size) = try text.takeHeader()
            return (depth, size, try text.takeEntries())
        }
        self.init(depth: depth, size: size, entries: entries)
        try checkSizes()
    }

    private func checkSizes() throws(DepotError) {
        let total = entries.reduce(UInt64(0)) { $0 + UInt64($1.length) }
        switch depth {
        case .chunks:
            guard total == size else {
                throw DepotError(
                    .manifestInvalid, "it says size \(size), but its chunks have \(total) bytes")
            }
        case .pieces:
            let flat = UInt64(ManifestText.header(depth: .chunks, size: size).utf8.count) + total
            guard flat > UInt64(Limits.manifestSizeMax),
                entries.allSatisfy({ $0.length <= Limits.manifestSizeMax }),
                entries.dropLast().allSatisfy({
                    $0.length > Limits.manifestSizeMax - ManifestText.lineLengthMax
                })
            else {
                throw DepotError(
                    .manifestInvalid,
                    "its pieces are not of the lengths that depth 1 gives; deposit the file again")
            }
        }
    }

    /// Its text.
    public var encoded: ByteBuffer {
        var text = ByteBuffer(string: ManifestText.header(depth: depth, size: size))
        for entry in entries { ManifestText.write(entry, to: &text) }
        return text
    }
}

/// A part of the list of chunks of a file whose manifest has depth 1: lines, and nothing else.
public struct ManifestPiece: Sendable, Hashable {
    /// At least one.
    public let entries: [ChunkReference]

    /// - Throws: `manifestInvalid`, saying what is wrong and in which line.
    public init(parsing text: ByteBuffer) throws(DepotError) {
        entries = try ManifestText.parse(text) {
            (text: inout ManifestText) throws(DepotError) in
            try text.takeEntries()
        }
        guard !entries.isEmpty else {
            throw DepotError(.manifestInvalid, "a piece of a manifest has at least one line")
        }
    }
}
