import DepotCore
import DepotTestSupport
import DepotWire
import NIOCore

extension ByteBuffer {
    /// From digits in any groups.
    init(digits: String) {
        let digits = digits.filter(\.isHexDigit)
        let pairs = stride(from: 0, to: digits.count, by: 2).map { digits.dropFirst($0).prefix(2) }
        self.init(bytes: pairs.compactMap { UInt8($0, radix: 16) })
    }

    /// The same bytes, cut where the generator says.
    func slices(_ generator: inout SeededGenerator, longest: Int) -> [ByteBuffer] {
        var rest = self
        var slices: [ByteBuffer] = []
        while rest.readableBytes > 0 {
            let length = Int.random(in: 1...longest, using: &generator)
            slices.append(rest.readSlice(length: min(length, rest.readableBytes)) ?? ByteBuffer())
        }
        return slices
    }

    /// The same but for a few bits.
    func flipped(_ generator: inout SeededGenerator, flips: Int) -> ByteBuffer {
        var copy = self
        for _ in 0..<flips {
            let index = Int.random(
                in: copy.readerIndex..<copy.writerIndex, using: &generator)
            let byte = copy.getInteger(at: index, as: UInt8.self) ?? 0
            copy.setInteger(byte ^ 1 << UInt8.random(in: 0..<8, using: &generator), at: index)
        }
        return copy
    }
}

enum Known {
    static let hash = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
    static let uuid = "01234567-89ab-cdef-0123-456789abcdef"

    static func id() throws -> ChunkID { try known(ChunkID(hex: hash)) }
    static func replica() throws -> ReplicaID { try known(ReplicaID(uuid)) }

    private static func known<Value>(_ value: Value?) throws -> Value {
        guard let value else { throw DepotError(.internalError, "a constant is wrong") }
        return value
    }
}
