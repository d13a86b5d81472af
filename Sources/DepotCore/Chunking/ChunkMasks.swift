/// Which bits of the hash must be zero for a cut. One mask for each number of bits, spread over the
/// word so that each looks back over tens of bytes.
///
/// The values up to 17 bits are those of the FastCDC authors' own program, the others those that
/// implementations have agreed on since (nlfiedler's `fastcdc`, `v2020`): facts, kept so that cuts
/// compare.
package enum ChunkMasks {
    private static let bitsMin = 6
    private static let masks: [UInt64] = [
        0x0000_0000_0180_3110, 0x0000_0000_1803_5100, 0x0000_0018_0003_5300,
        0x0000_0190_0035_3000, 0x0000_5900_0353_0000, 0x0000_d900_0353_0000,
        0x0000_d901_0353_0000, 0x0000_d903_0353_0000, 0x0000_d903_1353_0000,
        0x0000_d90f_0353_0000, 0x0000_d903_0353_7000, 0x0000_d907_0353_7000,
        0x0000_d907_0753_7000, 0x0000_d917_0753_7000, 0x0000_d917_4753_7000,
        0x0000_d917_6753_7000, 0x0000_d937_6753_7000, 0x0000_d937_7753_7000,
        0x0000_d937_7757_7000,
    ]

    /// - Parameter bits: 6 to 24.
    package static func mask(bits: Int) -> UInt64 {
        precondition(masks.indices.contains(bits - bitsMin), "no mask has \(bits) bits")
        return masks[bits - bitsMin]
    }
}
