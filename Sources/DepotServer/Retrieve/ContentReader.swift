import DepotCore
import NIOCore

/// Goes through a range of a file in batches of chunks.
struct ContentReader: Sendable {
    /// Chunks that are fetched together. Small: a slow client holds one batch all the time.
    static let batchBytes = 2 << 20
    static let batchCount = 64

    private let manifests: ManifestReader
    private let range: Range<UInt64>
    private var walk: ManifestWalk
    /// Chunks of the range that are known and not fetched.
    private var ahead: [PlacedChunk] = []
    private var isOver = false

    init(
        _ outline: ManifestOutline, range: Range<UInt64>, manifests: ManifestReader
    ) {
        self.manifests = manifests
        self.range = range
        walk = ManifestWalk(outline.manifest)
    }

    func bytes(of batch: [PlacedChunk]) -> Int { batch.reduce(0) { $0 + $1.reference.length } }

    /// The next chunks of the range; empty after the last.
    mutating func nextBatch() async throws(DepotError) -> [PlacedChunk] {
        while ahead.isEmpty, !isOver {
            switch walk.next() {
            case .piece(let piece): try walk.take(try await manifests.fetch(piece))
            case .chunks(let chunks):
                ahead = chunks.filter {
                    $0.offset < range.upperBound
                        && $0.offset + UInt64($0.reference.length) > range.lowerBound
                }
                ahead.reverse()
                if let last = chunks.last, last.offset >= range.upperBound { isOver = true }
            case .end: isOver = true
            }
        }
        var batch: [PlacedChunk] = []
        var bytes = 0
        while let next = ahead.last, batch.count < Self.batchCount,
            batch.isEmpty || bytes + next.reference.length <= Self.batchBytes
        {
            bytes += next.reference.length
            batch.append(next)
            ahead.removeLast()
        }
        return batch
    }

    /// The bytes of a batch, cut to the range.
    ///
    /// - Throws: `noGoodCopy`, naming the chunk and where in the file it is.
    static func load(
        _ batch: [PlacedChunk], _ range: Range<UInt64>, from fetcher: ChunkFetcher
    ) async throws(DepotError) -> [ByteBuffer] {
        let objects = try await fetcher.verified(batch.map(\.reference))
        var bytes: [ByteBuffer] = []
        for (chunk, object) in zip(batch, objects) {
            guard let object, object.length == chunk.reference.length else {
                throw DepotError(
                    .noGoodCopy,
                    "no replica that can be reached has a good copy of this chunk, at offset "
                        + "\(chunk.offset) of the file", object: chunk.reference.id.hex)
            }
            bytes += Self.cut(object, at: chunk.offset, to: range)
        }
        return bytes
    }

    private static func cut(
        _ object: VerifiedObject, at offset: UInt64, to range: Range<UInt64>
    ) -> [ByteBuffer] {
        var position = offset
        var parts: [ByteBuffer] = []
        for part in object.parts {
            let end = position + UInt64(part.readableBytes)
            let low = max(position, range.lowerBound)
            let high = min(end, range.upperBound)
            if low < high {
                let start = part.readerIndex + Int(low - position)
                if let slice = part.getSlice(at: start, length: Int(high - low)) {
                    parts.append(slice)
                }
            }
            position = end
        }
        return parts
    }
}
