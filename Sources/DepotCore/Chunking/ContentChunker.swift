// Where a file is cut depends on its bytes alone, so that an insertion moves only the cuts beside it and the
// rest is found again. This is FastCDC as of 2020 (Xia et al., "The Design of Fast Content-Defined Chunking
// for Data Deduplication Based Storage Systems", IEEE TPDS 31(9)): a gear hash over 64-bit values, the minimum
// skipped, normalised chunking of level 2 (a mask with two bits more before the average, two fewer after it),
// and two bytes a step. A cut lies in front of the byte whose hash hit the mask.
//
// The loop is bound by the latency of shift and add; bounds checks would cost half as much again, which is why
// it works on pointers.

/// Cuts a stream of bytes into chunks.
public struct ContentChunker: Sendable {
    public let parameters: ChunkerParameters
    private let maskBefore: UInt64
    private let maskAfter: UInt64

    public init(_ parameters: ChunkerParameters = .default) {
        self.parameters = parameters
        let bits = parameters.sizeAverage.trailingZeroBitCount
        maskBefore = ChunkMasks.mask(bits: bits + ChunkMasks.normalization)
        maskAfter = ChunkMasks.mask(bits: bits - ChunkMasks.normalization)
    }

    /// The length of the first chunk of a stream that begins with these bytes: 0 only where there are none.
    ///
    /// - Parameter bytes: all that is left of the stream, or at least `sizeMax` bytes of it. Then the result
    ///   does not depend on how the stream was read.
    public func cutLength(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard bytes.count > parameters.sizeMin, let base = bytes.baseAddress else {
            return bytes.count
        }
        let end = min(bytes.count, parameters.sizeMax)
        let normal = min(end, parameters.sizeAverage)
        return GearTable.values.withUnsafeBufferPointer { gear in
            guard let table = gear.baseAddress else { return end }
            let scan = GearScan(bytes: base, plain: table, shifted: table + 256)
            var hash: UInt64 = 0
            return scan.firstHit(
                in: parameters.sizeMin / 2..<normal / 2, mask: maskBefore, hash: &hash)
                ?? scan.firstHit(in: normal / 2..<end / 2, mask: maskAfter, hash: &hash)
                ?? end
        }
    }
}

/// The hash over pairs of bytes. The pointers are valid for the ranges that it is asked to scan.
private struct GearScan {
    let bytes: UnsafeRawPointer
    let plain: UnsafePointer<UInt64>
    let shifted: UnsafePointer<UInt64>

    /// The offset of the first byte at which the hash is zero under the mask.
    ///
    /// After the first byte of a pair the hash is one place further left than a hash byte by byte would be:
    /// its values come from the shifted table, and the mask moves along.
    @inline(__always)
    func firstHit(in pairs: Range<Int>, mask: UInt64, hash: inout UInt64) -> Int? {
        let maskShifted = mask << 1
        var rolling = hash
        var offset = pairs.lowerBound &* 2
        let end = pairs.upperBound &* 2
        while offset < end {
            rolling =
                rolling << 2 &+ shifted[Int(bytes.load(fromByteOffset: offset, as: UInt8.self))]
            if rolling & maskShifted == 0 { return offset }
            rolling = rolling &+ plain[Int(bytes.load(fromByteOffset: offset &+ 1, as: UInt8.self))]
            if rolling & mask == 0 { return offset &+ 1 }
            offset &+= 2
        }
        hash = rolling
        return nil
    }
}
