import CLibCrypto

/// Whether two secrets are equal, in a time that tells nothing of how they differ.
///
/// Their SHA-256 are compared, so that even a difference in length does not end it sooner.
public func equalInConstantTime(_ left: String, _ right: String) -> Bool {
    ChunkID(hashing: left).equalsInConstantTime(ChunkID(hashing: right))
}

extension ChunkID {
    /// In a time that tells nothing of how the two differ.
    public func equalsInConstantTime(_ other: Self) -> Bool {
        withBytes { left in
            other.withBytes { right in
                CRYPTO_memcmp(left.baseAddress, right.baseAddress, Self.byteCount) == 0
            }
        }
    }
}
