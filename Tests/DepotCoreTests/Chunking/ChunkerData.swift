import DepotCore
import Testing

/// Bytes that chunk boundaries are known of.
enum ChunkerData: String, CaseIterable {
    /// 16 MiB and a bit, without structure.
    case random
    /// 10 MiB.
    case zeros
    /// 8 MiB of eight letters.
    case letters
    /// 6 MiB and one byte, each 0 or 1.
    case bits

    var bytes: [UInt8] {
        switch self {
        case .random:
            var random = SeededGenerator(seed: 1)
            return random.bytes(16 << 20 + 12_345)
        case .zeros: return [UInt8](repeating: 0, count: 10 << 20)
        case .letters:
            var random = SeededGenerator(seed: 2)
            let letters = Array("depo t\n.".utf8)
            return random.bytes(8 << 20).map { letters[Int($0 & 7)] }
        case .bits:
            var random = SeededGenerator(seed: 3)
            return random.bytes(6 << 20 + 1).map { $0 & 1 }
        }
    }
}

struct GoldenCuts: Sendable {
    let data: ChunkerData
    let sizes: [Int]
    let count: Int
    /// SHA-256 of all lengths in decimal, each with a line feed behind it.
    let digest: String
    let first: [Int]
}

extension GoldenCuts {
    func expect(_ cut: (UnsafeRawBufferPointer) -> Int, _ bytes: [UInt8]) {
        let lengths = Self.lengths(bytes, cut)
        #expect(lengths.count == count)
        #expect(Array(lengths.prefix(first.count)) == first)
        #expect(ChunkID(hashing: lengths.map { "\($0)\n" }.joined()).hex == digest)
        #expect(lengths.reduce(0, +) == bytes.count)
    }

    static func lengths(_ data: [UInt8], _ cut: (UnsafeRawBufferPointer) -> Int) -> [Int] {
        data.withUnsafeBytes { bytes in
            var lengths: [Int] = []
            var offset = 0
            while offset < bytes.count {
                lengths.append(cut(UnsafeRawBufferPointer(rebasing: bytes[offset...])))
                offset += lengths[lengths.count - 1]
            }
            return lengths
        }
    }

    var parameters: ChunkerParameters {
        get throws {
            try ChunkerParameters(sizeMin: sizes[0], sizeAverage: sizes[1], sizeMax: sizes[2])
        }
    }
}
