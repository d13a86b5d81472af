/// The CRC-32C (Castagnoli, polynomial 0x1EDC6F41, reflected) that guards a segment's headers.
///
/// By table, a byte at a time: it covers 512 bytes a member, and no library of the project offers it.
enum CRC32C {
    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in
            value & 1 == 1 ? value >> 1 ^ 0x82f6_3b78 : value >> 1
        }
    }

    static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
        ~bytes.reduce(~UInt32(0)) { value, byte in
            value >> 8 ^ table[Int((value ^ UInt32(byte)) & 0xff)]
        }
    }
}
