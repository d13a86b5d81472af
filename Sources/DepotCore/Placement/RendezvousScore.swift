import FoundationEssentials

/// How much a chunk is drawn to a replica; see `Placement`.
enum RendezvousScore {
    static func score(of candidate: PlacementCandidate, for id: ChunkID) -> Double {
        let weight = candidate.weight > 0 ? candidate.weight : .leastNormalMagnitude
        let score = -weight / naturalLogarithm(uniform(hash(candidate.replica, id)))
        assert(!score.isNaN, "a score has no place in the order")
        return score
    }

    static func hash(_ replica: ReplicaID, _ id: ChunkID) -> UInt64 {
        let halves = withUnsafeBytes(of: replica.uuid.uuid) { bytes in
            (
                bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
                bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
            )
        }
        return mix(mix(id.words.0 ^ halves.0.bigEndian) ^ halves.1.bigEndian)
    }

    /// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014): every bit of the result depends
    /// on every bit.
    static func mix(_ value: UInt64) -> UInt64 {
        var mixed = value
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }

    /// Strictly between 0 and 1; exact in a `Double`.
    static func uniform(_ hash: UInt64) -> Double {
        let number = (Double(hash >> 12) + 0.5) * 0x1p-52
        assert(number > 0 && number < 1, "the logarithm of this is no negative number")
        return number
    }

    /// ln x for a normal x above 0, made of additions, multiplications and divisions, which IEEE
    /// 754 rounds alike everywhere; the C library's may differ in the last bit between machines.
    static func naturalLogarithm(_ x: Double) -> Double {
        assert(x > 0 && x.isNormal, "this has no logarithm here")
        var exponent = Double(x.exponent)
        var fraction = x.significand
        if fraction > 0x1.6a09e667f3bcdp0 {
            fraction /= 2
            exponent += 1
        }
        // ln f = 2 artanh s; with |s| ≤ 0.172 the twelfth term is below the last bit.
        let s = (fraction - 1) / (fraction + 1)
        let square = s * s
        var series = 0.0
        for term in stride(from: 23.0, through: 1.0, by: -2.0) {
            series = series * square + 1 / term
        }
        return exponent * 0x1.62e42fefa39efp-1 + 2 * s * series
    }
}
