import DepotSQLite

/// A bit for each copy of a chunk, by the bits that members have, see `MemberTable`. The sign of
/// the number that the file keeps is left alone.
struct CopyMask: Hashable, Sendable {
    var bits: UInt64

    init(_ bits: UInt64) {
        assert(bits >> UInt64(MemberTable.countMax) == 0, "a mask has \(MemberTable.countMax) bits")
        self.bits = bits
    }

    static let none = CopyMask(0)

    /// The mask of one bit.
    static func bit(_ number: Int) -> CopyMask {
        assert((0..<MemberTable.countMax).contains(number), "no member has the bit \(number)")
        return CopyMask(1 << UInt64(number))
    }

    var count: Int { bits.nonzeroBitCount }
    var isEmpty: Bool { bits == 0 }
    /// The numbers of its bits, the lowest first.
    var numbers: [Int] {
        var numbers: [Int] = []
        var left = bits
        while left != 0 {
            numbers.append(left.trailingZeroBitCount)
            left &= left - 1
        }
        return numbers
    }

    static func & (left: Self, right: Self) -> Self { CopyMask(left.bits & right.bits) }
    static func | (left: Self, right: Self) -> Self { CopyMask(left.bits | right.bits) }
    static func |= (left: inout Self, right: Self) { left = left | right }
    func without(_ other: Self) -> Self { CopyMask(bits & ~other.bits) }
}

extension CopyMask: SQLValue {
    func bind(to handle: OpaquePointer, at index: Int32) -> Int32 {
        AnyInteger(Int64(bitPattern: bits)).bind(to: handle, at: index)
    }

    static func read(_ handle: OpaquePointer, _ column: Int32) -> CopyMask? {
        guard let number = AnyInteger.read(handle, column)?.value, number >= 0 else { return nil }
        return CopyMask(UInt64(number))
    }
}

extension DefaultStringInterpolation {
    /// Puts a mask into the text of a statement. There are few: members change rarely.
    mutating func appendInterpolation(mask: CopyMask) {
        appendInterpolation(Int64(bitPattern: mask.bits))
    }
}
