import DepotCluster
import DepotCore
import DepotWire
import NIOCore

/// Goes through a range of a file in batches of chunks.
struct ContentReader: Sendable {
    /// Chunks that are fetched together.
    static let batchBytes = 2 << 20
    /// Of the first ones: whether the client takes them is not known.
    static let firstBatchBytes = 512 << 10
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

    /// The next chunks of the range; empty after the last.
    private mutating func nextBatch(upTo bytesMax: Int) async throws(DepotError) -> [PlacedChunk] {
        while ahead.isEmpty, !isOver {
            if try walk.pass(through: range.lowerBound) != nil { continue }
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
            batch.isEmpty || bytes + next.reference.length <= bytesMax
        {
            bytes += next.reference.length
            batch.append(next)
            ahead.removeLast()
        }
        return batch
    }

    /// The next chunks of the range as a part of an answer, of which nothing is in memory yet;
    /// `nil` after the last.
    mutating func nextParcel(
        upTo bytesMax: Int, from budget: MemoryBudget, for borrower: Borrower,
        fetcher: ChunkFetcher
    ) async throws(DepotError) -> ContentParcel? {
        let batch = try await nextBatch(upTo: bytesMax)
        guard !batch.isEmpty else { return nil }
        return ContentParcel(batch.map(item), from: budget, for: borrower) {
            items throws(DepotError) in
            try await Self.load(batch[items.indices], from: fetcher)
        }
    }

    private func item(_ chunk: PlacedChunk) -> ContentParcel.Item {
        let low = max(chunk.offset, range.lowerBound) - chunk.offset
        let high = min(range.upperBound - chunk.offset, UInt64(chunk.reference.length))
        return ContentParcel.Item(
            chunk: chunk.reference, range: Int(low)..<Int(high), header: ByteBuffer())
    }

    /// - Throws: `noGoodCopy`, naming the chunk and where in the file it is; `unreachable` where a
    ///   holder does not answer.
    private static func load(
        _ chunks: ArraySlice<PlacedChunk>, from fetcher: ChunkFetcher
    ) async throws(DepotError) -> [[ByteBuffer]] {
        let objects = try await fetcher.verified(chunks.map(\.reference))
        var bytes: [[ByteBuffer]] = []
        for (chunk, obtained) in zip(chunks, objects) {
            let what = "this chunk, at offset \(chunk.offset) of the file"
            bytes.append(
                try fetcher.require(obtained, of: chunk.reference, called: what).parts)
        }
        return bytes
    }
}
