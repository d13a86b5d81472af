import Testing

@testable import DepotStore

@Suite struct CRC32CTests {
    /// "123456789" is the check value of the catalogue of CRCs; the others are of RFC 3720,
    /// appendix B.4.
    private static let known: [(bytes: [UInt8], sum: UInt32)] = [
        (Array("123456789".utf8), 0xe306_9283),
        ([], 0),
        ([UInt8](repeating: 0, count: 32), 0x8a91_36aa),
        ([UInt8](repeating: 0xff, count: 32), 0x62a8_ab43),
        (Array(0..<32), 0x46dd_794e),
        (Array((0..<32).reversed()), 0x113f_db5c),
    ]

    @Test func `known bytes have a known sum`() {
        for (bytes, sum) in Self.known { #expect(Self.checksum(bytes) == sum) }
    }

    @Test func `eight bytes at a time give what single ones give`() {
        let bytes = (0..<600).map { UInt8(truncatingIfNeeded: $0 * 167 + $0 / 7) }
        for count in [1, 7, 8, 9, 15, 16, 17, 511, 512, 513, 590] {
            for start in 0..<9 {
                let part = Array(bytes[start..<start + count])
                #expect(Self.checksum(part) == Self.bitwise(part))
            }
        }
    }

    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        bytes.withUnsafeBytes { CRC32C.checksum($0) }
    }

    private static func bitwise(_ bytes: [UInt8]) -> UInt32 {
        var value = ~UInt32(0)
        for byte in bytes {
            value ^= UInt32(byte)
            for _ in 0..<8 {
                let isOdd = value & 1 == 1
                value >>= 1
                if isOdd { value ^= 0x82f6_3b78 }
            }
        }
        return ~value
    }
}
