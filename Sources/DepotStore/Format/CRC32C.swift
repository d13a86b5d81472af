/// The CRC-32C (Castagnoli, polynomial 0x1EDC6F41, reflected) that guards a segment's headers.
///
/// By tables, eight bytes at a time ("slicing by 8", Kounavis and Berry, 2005): it covers 512 bytes
/// a member, and no library of the project offers it.
enum CRC32C {
    /// `tables[256 * n + b]` is what a byte `b` adds that has `n` bytes behind it.
    private static let tables: [UInt32] = {
        var tables: [UInt32] = (0..<256).map { index in
            (0..<8).reduce(UInt32(index)) { value, _ in
                value & 1 == 1 ? value >> 1 ^ 0x82f6_3b78 : value >> 1
            }
        }
        for index in 256..<8 * 256 {
            let before = tables[index - 256]
            tables.append(before >> 8 ^ tables[Int(before & 0xff)])
        }
        return tables
    }()

    static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        tables.withUnsafeBufferPointer { tables in
            var value = ~UInt32(0)
            let whole = bytes.count / 8 * 8
            for offset in stride(from: 0, to: whole, by: 8) {
                let word = UInt64(
                    littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                var rest = word ^ UInt64(value)
                value = 0
                for before in 0..<8 {
                    value ^= tables[256 * (7 - before) + Int(rest & 0xff)]
                    rest >>= 8
                }
            }
            for byte in bytes[whole...] {
                value = value >> 8 ^ tables[Int((value ^ UInt32(byte)) & 0xff)]
            }
            return ~value
        }
    }
}
