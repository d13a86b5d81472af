import DepotCore
import DepotWire

/// How many chunks are asked for at once.
enum ChunkBatch {
    /// One large chunk, or small ones that share the cost of a request.
    static let bytesMax = WireLimits.batchBytesMax
    static let countMax = WireLimits.batchObjectsMax

    /// Consecutive parts, each within the bounds; a chunk that is larger goes alone.
    static func cut(_ chunks: [ChunkReference], bytesMax: Int) -> [[ChunkReference]] {
        cut(chunks, bytesMax: bytesMax) { $0.length }
    }

    static func cut<Item>(
        _ items: some Sequence<Item>, bytesMax: Int, length: (Item) -> Int
    ) -> [[Item]] {
        var batches: [[Item]] = []
        var batch: [Item] = []
        var bytes = 0
        for item in items {
            let itemLength = length(item)
            if !batch.isEmpty, bytes + itemLength > bytesMax || batch.count == countMax {
                batches.append(batch)
                batch = []
                bytes = 0
            }
            batch.append(item)
            bytes += itemLength
        }
        if !batch.isEmpty { batches.append(batch) }
        return batches
    }
}
