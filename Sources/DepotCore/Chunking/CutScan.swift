// One statement an operation, doubling by adding, and lanes that are masked before they are added:
// other spellings of the same make the compiler leave the vector registers, at 2 to 50 times the
// cost. So does the second stage when it is inlined into the loop.

/// Looks for the first place to cut at. All offsets are of the last byte of a chunk, and at least
/// 31.
enum CutScan {
    /// Places that are judged with one branch.
    private static let stride = 64

    /// - Parameter bytes: valid up to the range's end, and from 31 bytes before its beginning.
    @inline(__always)
    static func lastByte(
        of bytes: UnsafeRawPointer, in range: Range<Int>, _ mask: UInt64
    ) -> Int? {
        assert(
            range.lowerBound >= CutMix.reach,
            "fewer bytes are in front of a place than it depends on")
        var offset = range.lowerBound
        while offset &+ stride <= range.upperBound {
            let first = CutCandidate.marks(bytes, offset)
            let second = CutCandidate.marks(bytes, offset &+ 32)
            let both = first | second
            if both[0] | both[1] | both[2] | both[3] != 0,
                let found = judge(bytes, in: offset..<offset &+ stride, mask)
            {
                return found
            }
            offset &+= stride
        }
        return judge(bytes, in: offset..<range.upperBound, mask)
    }

    @inline(never)
    private static func judge(
        _ bytes: UnsafeRawPointer, in range: Range<Int>, _ mask: UInt64
    ) -> Int? {
        range.first { CutCandidate.isOne(bytes, $0) && CutMix.hash(bytes, $0) & mask == 0 }
    }
}

/// The first stage: two hashes of 8 and 4 bits over the 8 bytes that end at a place, both of which
/// must have one value.
///
/// The values are such that about one place in 4,096 passes in machine code, in text and in noise
/// alike. Many others pass far more often in one of them; most of all those that zeros have.
enum CutCandidate {
    static let bits = 12
    private static let wanted: UInt8 = 0xE4
    private static let wantedLow: UInt8 = 0x38
    private static let lowBits: UInt8 = 0x78

    static func isOne(_ bytes: UnsafeRawPointer, _ offset: Int) -> Bool {
        func byte(_ back: Int) -> UInt8 {
            bytes.load(fromByteOffset: offset &- back, as: UInt8.self)
        }
        var hash = byte(7)
        for back in [6, 5, 4] { hash = hash &+ hash ^ byte(back) }
        var low = (hash & 0x7F) &+ (byte(2) & 0x7F)
        for back in [3, 2, 1, 0] { hash = hash &+ hash ^ byte(back) }
        low = ((low ^ byte(1)) & 0x7F) &+ (byte(5) & 0x7F)
        return hash == wanted && low & lowBits == wantedLow
    }

    private typealias Lanes = SIMD4<UInt64>

    /// The same for the 32 places from `offset` on: a word is not zero exactly where one of its 8
    /// places passes.
    @inline(__always)
    static func marks(_ bytes: UnsafeRawPointer, _ offset: Int) -> SIMD4<UInt64> {
        let byte2 = load(bytes, offset &- 2)
        let byte1 = load(bytes, offset &- 1)
        let byte5 = load(bytes, offset &- 5)
        var hash = load(bytes, offset &- 7)
        hash = doubled(hash) ^ load(bytes, offset &- 6)
        hash = doubled(hash) ^ byte5
        hash = doubled(hash) ^ load(bytes, offset &- 4)
        let sum = (hash & every(0x7F)) &+ (byte2 & every(0x7F))
        hash = doubled(hash) ^ load(bytes, offset &- 3)
        hash = doubled(hash) ^ byte2
        hash = doubled(hash) ^ byte1
        hash = doubled(hash) ^ load(bytes, offset)
        let mixed = sum ^ byte1
        let low = (mixed & every(0x7F)) &+ (byte5 & every(0x7F))
        let difference = hash ^ every(wanted)
        let lowDifference = (low ^ every(wantedLow)) & every(lowBits)
        return zeroBytes(difference | lowDifference)
    }

    @inline(__always)
    private static func every(_ byte: UInt8) -> Lanes {
        Lanes(repeating: UInt64(byte) &* 0x0101_0101_0101_0101)
    }

    @inline(__always)
    private static func load(_ bytes: UnsafeRawPointer, _ offset: Int) -> Lanes {
        bytes.loadUnaligned(fromByteOffset: offset, as: Lanes.self)
    }

    /// Each byte shifted left by one.
    @inline(__always)
    private static func doubled(_ lanes: Lanes) -> Lanes {
        let low = lanes & every(0x7F)
        return low &+ low
    }

    /// Not zero exactly where a byte is: behind the first zero byte of a word others may be marked,
    /// too.
    @inline(__always)
    private static func zeroBytes(_ lanes: Lanes) -> Lanes {
        let less = lanes &- every(1)
        let others = ~lanes
        let both = less & others
        return both & every(0x80)
    }
}

/// The second stage: 32 bytes, multiplied and folded a word at a time with the constants of
/// MurmurHash3's finalizer.
enum CutMix {
    /// Bytes in front of a place that its hash depends on.
    static let reach = 31

    static func mask(bits: Int) -> UInt64 {
        assert((0...64).contains(bits), "a mask has 0 to 64 bits")
        return bits == 0 ? 0 : ~0 << UInt64(64 - bits)
    }

    static func hash(_ bytes: UnsafeRawPointer, _ offset: Int) -> UInt64 {
        var hash: UInt64 = 0x9E37_79B9_7F4A_7C15
        for back in [7, 15, 23, 31] {
            let word = bytes.loadUnaligned(fromByteOffset: offset &- back, as: UInt64.self)
            hash = (hash ^ UInt64(littleEndian: word)) &* 0xFF51_AFD7_ED55_8CCD
            hash ^= hash >> 32
        }
        hash = hash &* 0xC4CE_B9FE_1A85_EC53
        return hash ^ hash >> 29
    }
}
