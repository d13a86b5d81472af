import FastCDCReference
import Testing

@testable import DepotCore

@Suite struct ContentChunkerTests {
    // From a separate program in C, which judges one byte after the other as the definition says, run once.
    static let golden: [GoldenCuts] = [
        GoldenCuts(
            data: .random, sizes: [262_144, 1_048_576, 4_194_304], count: 14,
            digest: "3737ee66de7e603047010e0f5afd9ce120ea92e0541af2ffbec06a159605adc2",
            first: [
                1_690_647, 533_221, 1_440_784, 1_090_552, 1_435_781, 1_087_499, 1_143_716,
                1_546_981,
            ]),
        GoldenCuts(
            data: .random, sizes: [65_536, 262_144, 1_048_576], count: 55,
            digest: "8b5f73180ba9da22e8224e3a519a437a407572ab4f1f0c2ec118c0bb9fb573a5",
            first: [332_814, 355_647, 436_291, 439_905, 125_990, 284_105, 249_116, 378_500]),
        GoldenCuts(
            data: .random, sizes: [2_048, 8_192, 65_536], count: 1_535,
            digest: "e3cedf8c617faad92739cc9e9f05bddc9db2303bd7a1cfc435fc073b1a291c2d",
            first: [12_053, 14_437, 18_490, 5_331, 7_988, 17_912, 11_399, 13_031]),
        GoldenCuts(
            data: .zeros, sizes: [262_144, 1_048_576, 4_194_304], count: 3,
            digest: "8833b5b86b99a936af900eec26777d19e9ce4477837d158ca841e1dff61c0a80",
            first: [4_194_304, 4_194_304, 2_097_152]),
        GoldenCuts(
            data: .zeros, sizes: [65_536, 262_144, 1_048_576], count: 10,
            digest: "6785b3d0a59b824fe9c35f6aca370beaf5f77c0bffbca6201d11796e9bd34926",
            first: [
                1_048_576, 1_048_576, 1_048_576, 1_048_576, 1_048_576, 1_048_576, 1_048_576,
                1_048_576,
            ]),
        GoldenCuts(
            data: .zeros, sizes: [2_048, 8_192, 65_536], count: 160,
            digest: "2e280e6cc59c6bd2eb62a096d562fba1b8381da89578499929e859c8bf8339db",
            first: [65_536, 65_536, 65_536, 65_536, 65_536, 65_536, 65_536, 65_536]),
        GoldenCuts(
            data: .letters, sizes: [262_144, 1_048_576, 4_194_304], count: 10,
            digest: "89e536ef77ff013b7049590dc5f03360a7405670fb155a8888fc67e699d67251",
            first: [
                1_091_738, 1_054_102, 1_170_693, 267_123, 741_752, 1_059_370, 1_055_773, 502_773,
            ]),
        GoldenCuts(
            data: .letters, sizes: [65_536, 262_144, 1_048_576], count: 34,
            digest: "810310a574010e68fd9a5651ba4db3728192d705eb7e90fc0c03ee6e0d1fd3ef",
            first: [272_714, 262_335, 308_842, 316_654, 265_596, 275_061, 361_472, 328_652]),
        GoldenCuts(
            data: .letters, sizes: [2_048, 8_192, 65_536], count: 955,
            digest: "4fac2479121d04de4e25e65deecba43a9cf29d5e64df76601cc58b379f10e3bd",
            first: [7_048, 8_730, 5_275, 16_503, 8_970, 9_360, 9_117, 10_220]),
        GoldenCuts(
            data: .bits, sizes: [262_144, 1_048_576, 4_194_304], count: 3,
            digest: "c5d6c759cdbf95ae7652b0ea753fce10ece8dd4b4b5880747f1513c0427e9569",
            first: [2_121_316, 3_095_192, 1_074_949]),
        GoldenCuts(
            data: .bits, sizes: [65_536, 262_144, 1_048_576], count: 11,
            digest: "f47b08652b05a12814d9088d4d1b49ec98f5def4e7baa00ac38fc3e2b3d963f6",
            first: [534_783, 567_950, 572_774, 532_673, 623_683, 574_157, 527_218, 569_882]),
        GoldenCuts(
            data: .bits, sizes: [2_048, 8_192, 65_536], count: 343,
            digest: "d69f0ae342388437dc27d4a45c314c6f6cfcbaebcea75e12630209d2131f32ea",
            first: [17_805, 23_070, 18_499, 17_046, 16_781, 16_388, 20_169, 17_485]),
    ]

    @Test(arguments: ChunkerData.allCases)
    func `cuts are those of an independent implementation`(data: ChunkerData) throws {
        let bytes = data.bytes
        for golden in Self.golden where golden.data == data {
            golden.expect(ContentChunker(try golden.parameters).cutLength, bytes)
        }
    }

    @Test func `64 places at once are judged as one by one`() {
        var random = SeededGenerator(seed: 7)
        // Few distinct values make many candidates, one beside the other.
        for values in [UInt8.max, 0xE4, 0x07] {
            let bytes = random.bytes(40_000).map { $0 & values }
            bytes.withUnsafeBytes { bytes in
                guard let base = bytes.baseAddress else { return }
                for offset in 31..<bytes.count - 64 {
                    let marks = CutCandidate.marks(base, offset)
                    let passes = (0..<32).contains { CutCandidate.isOne(base, offset + $0) }
                    #expect((marks[0] | marks[1] | marks[2] | marks[3] != 0) == passes)
                }
            }
        }
    }

    @Test func `one place in 4,096 is a candidate, in noise and in zeros with some noise`() {
        var random = SeededGenerator(seed: 8)
        let noise = random.bytes(4 << 20)
        let sparse = noise.enumerated().map { $0.offset % 16 < 10 ? 0 : $0.element }
        for bytes in [noise, sparse] {
            let count = bytes.withUnsafeBytes { bytes -> Int in
                guard let base = bytes.baseAddress else { return 0 }
                return (31..<bytes.count).count { CutCandidate.isOne(base, $0) }
            }
            #expect((256...2_048).contains(count), "\(count) of 4 Mi places; 1,024 are meant")
        }
    }

    /// The measure of quality: what edits cost, in new bytes, and how long chunks are.
    @Test func `edits cost no more new bytes than with FastCDC, give or take a twentieth`() throws {
        let parameters = try ChunkerParameters(
            sizeMin: 16 << 10, sizeAverage: 64 << 10, sizeMax: 256 << 10)
        var random = SeededGenerator(seed: 9)
        var new = (ours: 0, reference: 0)
        for _ in 0..<8 {
            let before = random.bytes(4 << 20)
            var after = before
            for place in 1...6 { after.insert(contentsOf: random.bytes(100), at: place * 600_000) }
            new.ours += Self.newBytes(after, over: before, ContentChunker(parameters).cutLength)
            new.reference += Self.newBytes(after, over: before, FastCDC(parameters).cutLength)
        }
        #expect(Double(new.ours) < 1.05 * Double(new.reference), "\(new)")
    }

    private static func newBytes(
        _ data: [UInt8], over known: [UInt8], _ cut: (UnsafeRawBufferPointer) -> Int
    ) -> Int {
        let known = Set(ids(known, cut))
        return zip(ids(data, cut), GoldenCuts.lengths(data, cut))
            .reduce(0) { known.contains($1.0) ? $0 : $0 + $1.1 }
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
        let known = Set(Self.ids(before, chunker.cutLength))
        let new = Self.ids(after, chunker.cutLength).filter { !known.contains($0) }
        #expect(known.count > 80)
        #expect((1...4).contains(new.count))
    }

    private static func ids(
        _ data: [UInt8], _ cut: (UnsafeRawBufferPointer) -> Int
    ) -> [ChunkID] {
        var offset = 0
        return GoldenCuts.lengths(data, cut).map { length in
            defer { offset += length }
            return data[offset..<offset + length].withUnsafeBytes { ChunkID(hashing: $0) }
        }
    }
}
