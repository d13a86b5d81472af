// Where a file is cut depends on its bytes alone, so that an insertion moves only the cuts beside
// it and the rest is found again. A rolling hash (FastCDC, which tests and benchmarks keep as the
// measure of quality) is bound by the latency of its shift and add. Here a place is judged in two
// stages that depend on no place before it:
//
// 1. `CutCandidate`: a cheap predicate over the 8 bytes that end there, for 64 places at once. One
//   in 4,096 passes.
// 2. `CutMix`: a strong mix of the 32 bytes that end there, whose upper bits have to be zero. As in
//   FastCDC's normalised chunking two bits more are asked for before the average length, and two
//   fewer behind it.
//
// Bytes with few distinct values may have no candidate at all, or only such as the mix refuses:
// without a cut at twice the average, FastCDC's gear loop takes over up to the maximum.

/// Cuts a stream of bytes into chunks.
public struct ContentChunker: Sendable {
    /// How many bits the masks before and behind the average have more and fewer.
    private static let normalization = 2

    public let parameters: ChunkerParameters
    private let maskBefore: UInt64
    private let maskBehind: UInt64
    private let gearMask: UInt64

    public init(_ parameters: ChunkerParameters = .default) {
        self.parameters = parameters
        let bits = parameters.sizeAverage.trailingZeroBitCount
        let rest = bits - CutCandidate.bits
        maskBefore = CutMix.mask(bits: max(0, rest + Self.normalization))
        maskBehind = CutMix.mask(bits: max(0, rest - Self.normalization))
        gearMask = ChunkMasks.mask(bits: bits - Self.normalization)
        assert(
            maskBefore.nonzeroBitCount >= maskBehind.nonzeroBitCount,
            "a cut before the average is as hard to find as one behind it, or harder")
    }

    /// The length of the first chunk of a stream that begins with these bytes: 0 only where there
    /// are none.
    ///
    /// - Parameter bytes: all that is left of the stream, or at least `sizeMax` bytes of it. Then
    ///   the result does not depend on how the stream was read. With fewer a result that is less
    ///   than their number is right, too: no byte behind a cut has a say in it.
    public func cutLength(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard bytes.count > parameters.sizeMin, let base = bytes.baseAddress else {
            return bytes.count
        }
        let end = min(bytes.count, parameters.sizeMax)
        let normal = min(end, parameters.sizeAverage)
        let late = min(end, 2 * parameters.sizeAverage)
        let length =
            CutScan.lastByte(of: base, in: parameters.sizeMin..<normal, maskBefore).map { $0 + 1 }
            ?? CutScan.lastByte(of: base, in: normal..<late, maskBehind).map { $0 + 1 }
            ?? GearScan.firstHit(of: base, in: late..<end, gearMask)
            ?? end
        assert((parameters.sizeMin...end).contains(length), "a chunk is too short or too long")
        return length
    }
}
