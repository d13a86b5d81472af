import NIOCore

@testable import DepotCore

/// SplitMix64: the same numbers for the same seed, everywhere. Tests name their seed in what they expect.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        return RendezvousScore.mix(state)
    }

    /// Bytes, each number in little-endian order.
    mutating func bytes(_ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count + 7) { buffer, initialized in
            let raw = UnsafeMutableRawBufferPointer(buffer)
            for offset in stride(from: 0, to: count, by: 8) {
                raw.storeBytes(of: next().littleEndian, toByteOffset: offset, as: UInt64.self)
            }
            initialized = count
        }
    }

    mutating func chunkID() -> ChunkID { ChunkID(words: (next(), next(), next(), next())) }
}
