import DepotCore

/// FastCDC as of 2020, the measure of quality for `ContentChunker`: the minimum skipped, normalised chunking of level 2,
/// two bytes a step.
public struct FastCDC: Sendable {
    private let parameters: ChunkerParameters
    private let maskBefore: UInt64
    private let maskAfter: UInt64

    public init(_ parameters: ChunkerParameters) {
        self.parameters = parameters
        let bits = parameters.sizeAverage.trailingZeroBitCount
        maskBefore = ChunkMasks.mask(bits: bits + 2)
        maskAfter = ChunkMasks.mask(bits: bits - 2)
    }

    /// As `ContentChunker.cutLength`.
    public func cutLength(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard bytes.count > parameters.sizeMin, let base = bytes.baseAddress else {
            return bytes.count
        }
        let end = min(bytes.count, parameters.sizeMax)
        let normal = min(end, parameters.sizeAverage)
        var hash: UInt64 = 0
        return GearScan.firstHit(of: base, in: parameters.sizeMin..<normal, maskBefore, &hash)
            ?? GearScan.firstHit(of: base, in: normal..<end, maskAfter, &hash)
            ?? end
    }
}
