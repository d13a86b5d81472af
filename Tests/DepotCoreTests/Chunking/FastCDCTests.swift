import DepotCore
import FastCDCReference
import Testing

@Suite struct FastCDCTests {
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

    @Test(arguments: ChunkerData.allCases)
    func `the reference cuts as an independent implementation does`(data: ChunkerData) throws {
        let bytes = data.bytes
        for golden in Self.golden where golden.data == data {
            golden.expect(FastCDC(try golden.parameters).cutLength, bytes)
        }
    }
}
