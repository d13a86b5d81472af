import CLibCrypto

/// Whether two secrets are equal, in a time that tells nothing of how they differ.
///
/// Their SHA-256 are compared, so that even a difference in length does not end it sooner.
public func equalInConstantTime(_ left: String, _ right: String) -> Bool {
    ChunkID(hashing: left).withBytes { left in
        ChunkID(hashing: right).withBytes { right in
            CRYPTO_memcmp(left.baseAddress, right.baseAddress, ChunkID.byteCount) == 0
        }
    }
}
