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
        items.batches(sizeMax: bytesMax, countMax: countMax, size: length)
    }
}
