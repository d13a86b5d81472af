import CLibCrypto
import FoundationEssentials
import Testing

@testable import DepotCore

@Suite struct ChunkerParametersTests {
    @Test func `the default is 128 KiB, 512 KiB and 2 MiB`() throws {
        #expect(
            try ChunkerParameters(sizeMin: 131_072, sizeAverage: 524_288, sizeMax: 2_097_152)
                == .default)
    }

    @Test(arguments: [
        (62, 256, 1_024), (64, 128, 1_024), (65, 256, 1_024), (64, 256, 1_023),
        (64, 300, 1_024), (256, 256, 1_024), (64, 1_024, 1_024), (64, 256, 8_388_610),
        (64, 8_388_608, 8_388_608), (-2, 256, 1_024), (0, 0, 0), (.min, .max, .max),
    ])
    func `sizes that make no sense are refused`(sizeMin: Int, sizeAverage: Int, sizeMax: Int) {
        do throws(DepotError) {
            _ = try ChunkerParameters(
                sizeMin: sizeMin, sizeAverage: sizeAverage, sizeMax: sizeMax)
            Issue.record("accepted")
        } catch { #expect(error.code == .invalidArgument) }
    }

    @Test func `JSON is checked as it is read`() throws {
        let json = try JSONEncoder().encode(ChunkerParameters.default)
        #expect(try JSONDecoder().decode(ChunkerParameters.self, from: json) == .default)
        #expect(throws: DepotError.self) {
            try JSONDecoder().decode(
                ChunkerParameters.self,
                from: Data("{\"sizeMin\":1,\"sizeAverage\":2,\"sizeMax\":3}".utf8))
        }
    }

    @Test func `each mask has as many bits as its name says`() throws {
        for average in sequence(first: ChunkerParameters.averages.lowerBound, next: { $0 * 2 }) {
            guard average <= ChunkerParameters.averages.upperBound else { break }
            let bits = average.trailingZeroBitCount
            for bits in [bits - 2, bits + 2] {
                #expect(ChunkMasks.mask(bits: bits).nonzeroBitCount == bits)
            }
        }
    }

    @Test func `the gear table is made of MD5s`() throws {
        let md5 = try #require(EVP_MD_fetch(nil, "MD5", nil))
        defer { EVP_MD_free(md5) }
        #expect(GearTable.plain.count == 256)
        for byte in 0...255 {
            let seed = [UInt8](repeating: UInt8(byte), count: 64)
            var digest = [UInt8](repeating: 0, count: 16)
            #expect(EVP_Digest(seed, seed.count, &digest, nil, md5, nil) == 1)
            let value = digest.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            #expect(GearTable.values[byte] == value)
            #expect(GearTable.values[byte + 256] == value << 1)
        }
    }
}
