/// FastCDC's loop: a gear hash over the bytes so far, two of them a step (Xia et al., "The Design
/// of Fast Content-Defined Chunking for Data Deduplication Based Storage Systems", IEEE TPDS 31(9),
/// 2020).
package enum GearScan {
    /// The offset of the first byte at which the hash is zero under the mask; a chunk ends in front
    /// of it. Whole pairs of bytes are looked at, the first at an even offset.
    ///
    /// After the first byte of a pair the hash is one place further left than a hash byte by byte
    /// would be: its values come from the shifted half of the table, and the mask moves along.
    ///
    /// - Parameter bytes: valid in the range.
    package static func firstHit(
        of bytes: UnsafeRawPointer, in range: Range<Int>, _ mask: UInt64
    ) -> Int? {
        var hash: UInt64 = 0
        return firstHit(of: bytes, in: range, mask, &hash)
    }

    /// - Parameter hash: goes on from what it is.
    package static func firstHit(
        of bytes: UnsafeRawPointer, in range: Range<Int>, _ mask: UInt64, _ hash: inout UInt64
    ) -> Int? {
        GearTable.values.withUnsafeBufferPointer { gear in
            guard let plain = gear.baseAddress else { return nil }
            let shifted = plain + 256
            let maskShifted = mask << 1
            var rolling = hash
            var offset = range.lowerBound & ~1
            let end = range.upperBound & ~1
            while offset < end {
                let first = bytes.load(fromByteOffset: offset, as: UInt8.self)
                rolling = rolling << 2 &+ shifted[Int(first)]
                if rolling & maskShifted == 0 { return offset }
                let second = bytes.load(fromByteOffset: offset &+ 1, as: UInt8.self)
                rolling = rolling &+ plain[Int(second)]
                if rolling & mask == 0 { return offset &+ 1 }
                offset &+= 2
            }
            hash = rolling
            return nil
        }
    }
}
