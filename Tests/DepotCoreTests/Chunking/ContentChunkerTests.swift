import Testing

@testable import DepotCore

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

@Suite struct ContentChunkerTests {
    // From nlfiedler's Rust crate `fastcdc` 4.0.1 (commit f76938d), `v2020::FastCDC::with_level(…, Level2)`,
    // run once over the same bytes.
    static let golden: [GoldenCuts] = [
        GoldenCuts(
            data: .random, sizes: [262_144, 1_048_576, 4_194_304], count: 14,
            digest: "0c61ceed970d50dcddda47afe113480f766f83dca81b309b44c678dd338db3a8",
            first: [
                278_755, 1_721_498, 1_303_122, 1_281_640, 1_143_342, 1_182_017, 1_168_313,
                1_180_205, 1_057_231, 1_993_092, 1_427_361, 1_270_883, 1_223_778, 558_324,
            ]),
        GoldenCuts(
            data: .random, sizes: [65_536, 262_144, 1_048_576], count: 55,
            digest: "f625652fd4cf41d371b403affa14455d2ce45cf9ef1025d5345569a7eff0c38c",
            first: [278_755, 279_096, 273_623, 269_572, 330_780, 361_829, 333_171, 395_127]),
        GoldenCuts(
            data: .random, sizes: [2_048, 8_192, 65_536], count: 1_786,
            digest: "64be56fbf6c75a46d4d6633c71ef5f907d1e59b6131e147666a6deff6fcf41e7",
            first: [9_128, 12_320, 6_680, 8_779, 8_682, 10_011, 6_767, 7_368]),
        GoldenCuts(
            data: .zeros, sizes: [262_144, 1_048_576, 4_194_304], count: 3,
            digest: "8833b5b86b99a936af900eec26777d19e9ce4477837d158ca841e1dff61c0a80",
            first: [4_194_304, 4_194_304, 2_097_152]),
        GoldenCuts(
            data: .zeros, sizes: [65_536, 262_144, 1_048_576], count: 10,
            digest: "6785b3d0a59b824fe9c35f6aca370beaf5f77c0bffbca6201d11796e9bd34926",
            first: [
                1_048_576, 1_048_576, 1_048_576, 1_048_576, 1_048_576, 1_048_576, 1_048_576,
                1_048_576, 1_048_576, 1_048_576,
            ]),
        GoldenCuts(
            data: .zeros, sizes: [2_048, 8_192, 65_536], count: 160,
            digest: "2e280e6cc59c6bd2eb62a096d562fba1b8381da89578499929e859c8bf8339db",
            first: [65_536, 65_536, 65_536, 65_536, 65_536, 65_536, 65_536, 65_536]),
        GoldenCuts(
            data: .letters, sizes: [262_144, 1_048_576, 4_194_304], count: 8,
            digest: "5702574dcde2fa3f3b27149380952a2a920f5a9a03b5da8c10fe2357dd72640d",
            first: [
                945_138, 1_236_387, 1_244_997, 1_090_328, 823_553, 1_076_838, 1_255_258, 716_109,
            ]),
        GoldenCuts(
            data: .letters, sizes: [65_536, 262_144, 1_048_576], count: 27,
            digest: "da96b472367784872fdb565ba64ffa2ab25e631cc0d20197326e2b02009d341c",
            first: [351_718, 272_750, 310_114, 263_491, 473_090, 266_521, 243_841, 312_038]),
        GoldenCuts(
            data: .letters, sizes: [2_048, 8_192, 65_536], count: 911,
            digest: "07a3f28df6e4f6b384aa0b78d0f6fc023dfb2a1f9745c2b94c817b49458d5278",
            first: [14_121, 11_411, 8_893, 9_121, 9_621, 10_195, 11_604, 9_688]),
        GoldenCuts(
            data: .bits, sizes: [262_144, 1_048_576, 4_194_304], count: 4,
            digest: "6ff5df607a8ec36ef7527e8fe074f51bb05910a472fa6ed33e8b38155d941013",
            first: [1_408_487, 1_482_046, 2_325_975, 1_074_949]),
        GoldenCuts(
            data: .bits, sizes: [65_536, 262_144, 1_048_576], count: 19,
            digest: "2b8e36440108311bf1bc382098dca718521b613183c0d31d8d5303599ec719a4",
            first: [
                265_809, 268_974, 567_950, 305_754, 267_020, 304_774, 544_104, 307_478, 331_817,
                307_806, 331_365, 310_442, 278_277, 280_061, 451_771, 284_050, 306_219, 465_386,
                112_400,
            ]),
        GoldenCuts(
            data: .bits, sizes: [2_048, 8_192, 65_536], count: 675,
            digest: "244872b3766b745acc16483575d7e8f2df4dcde25e00a8fa62e187053d7d332c",
            first: [17_805, 9_085, 6_634, 8_676, 2_508, 8_165, 9_918, 11_318]),
    ]

    static func lengths(_ data: [UInt8], _ chunker: ContentChunker) -> [Int] {
        data.withUnsafeBytes { bytes in
            var lengths: [Int] = []
            var offset = 0
            while offset < bytes.count {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
                lengths.append(chunker.cutLength(rest))
                offset += lengths[lengths.count - 1]
            }
            return lengths
        }
    }

    @Test(arguments: ChunkerData.allCases)
    func `cuts are those of an independent implementation`(data: ChunkerData) throws {
        let bytes = data.bytes
        for golden in Self.golden where golden.data == data {
            let parameters = try ChunkerParameters(
                sizeMin: golden.sizes[0], sizeAverage: golden.sizes[1], sizeMax: golden.sizes[2])
            let lengths = Self.lengths(bytes, ContentChunker(parameters))
            #expect(lengths.count == golden.count)
            #expect(Array(lengths.prefix(golden.first.count)) == golden.first)
            let text = lengths.map { "\($0)\n" }.joined()
            #expect(ChunkID(hashing: text).hex == golden.digest)
            #expect(lengths.reduce(0, +) == bytes.count)
        }
    }

    @Test func `no cut depends on how much more is known than the maximum`() throws {
        let parameters = try ChunkerParameters(sizeMin: 512, sizeAverage: 2_048, sizeMax: 8_192)
        let chunker = ContentChunker(parameters)
        var random = SeededGenerator(seed: 4)
        let bytes = random.bytes(200_000)
        bytes.withUnsafeBytes { bytes in
            for offset in stride(from: 0, to: 150_000, by: 997) {
                let rest = bytes[offset...]
                let least = UnsafeRawBufferPointer(rebasing: rest.prefix(parameters.sizeMax))
                let more = UnsafeRawBufferPointer(rebasing: rest.prefix(parameters.sizeMax + 1_001))
                let all = UnsafeRawBufferPointer(rebasing: rest)
                #expect(chunker.cutLength(least) == chunker.cutLength(all))
                #expect(chunker.cutLength(more) == chunker.cutLength(all))
            }
        }
    }

    @Test func `lengths keep their bounds, and short ends are one chunk`() throws {
        let parameters = try ChunkerParameters(sizeMin: 64, sizeAverage: 256, sizeMax: 1_024)
        let chunker = ContentChunker(parameters)
        var random = SeededGenerator(seed: 5)
        let bytes = random.bytes(4_000)
        bytes.withUnsafeBytes { bytes in
            for count in 0...bytes.count {
                let length = chunker.cutLength(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
                if count <= parameters.sizeMin { #expect(length == count) }
                #expect(length <= min(count, parameters.sizeMax))
                #expect(length >= min(count, parameters.sizeMin))
            }
        }
        #expect(chunker.cutLength(UnsafeRawBufferPointer(start: nil, count: 0)) == 0)
    }

    @Test func `an insertion changes only the chunks beside it`() throws {
        let parameters = try ChunkerParameters(
            sizeMin: 2 << 10, sizeAverage: 8 << 10, sizeMax: 64 << 10)
        let chunker = ContentChunker(parameters)
        var random = SeededGenerator(seed: 6)
        let before = random.bytes(1 << 20)
        var after = before
        after.insert(contentsOf: random.bytes(1_000), at: 500_000)
        let known = Set(Self.ids(before, chunker))
        let new = Self.ids(after, chunker).filter { !known.contains($0) }
        #expect(known.count > 80)
        #expect((1...4).contains(new.count))
    }

    private static func ids(_ data: [UInt8], _ chunker: ContentChunker) -> [ChunkID] {
        var offset = 0
        return lengths(data, chunker).map { length in
            defer { offset += length }
            return data[offset..<offset + length].withUnsafeBytes { ChunkID(hashing: $0) }
        }
    }
}
