import DepotCore
import DepotWire

/// How many chunks are asked for at once.
package enum ChunkBatch {
    /// One large chunk, or small ones that share the cost of a request.
    package static let bytesMax = WireLimits.batchBytesMax
    package static let countMax = WireLimits.batchObjectsMax

    /// Consecutive parts, each within the bounds; a chunk that is larger goes alone.
    package static func cut(_ chunks: [ChunkReference], bytesMax: Int) -> [[ChunkReference]] {
        cut(chunks, bytesMax: bytesMax) { $0.length }
    }

    package static func cut<Item>(
        _ items: some Sequence<Item>, bytesMax: Int, length: (Item) -> Int
    ) -> [[Item]] {
        items.batches(sizeMax: bytesMax, countMax: countMax, size: length)
    }
}
