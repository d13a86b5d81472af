import CLibCrypto
import NIOCore

// Every SHA-256 of the project is computed here, by OpenSSL's libcrypto. The algorithm is fetched
// once and the context reused: on inputs of a few KiB, one-shot calls cost a quarter more.

/// An incremental SHA-256. One owner at a time; start again with `finish()`.
public struct SHA256Digest: ~Copyable {
    // libcrypto's fetched algorithm is immutable, reference-counted and safe to share between
    // threads.
    nonisolated(unsafe) private static let algorithm: OpaquePointer = {
        guard let algorithm = EVP_MD_fetch(nil, "SHA256", nil) else {
            preconditionFailure("libcrypto offers no SHA256")
        }
        return algorithm
    }()

    private let context: OpaquePointer

    public init() {
        guard let context = EVP_MD_CTX_new() else { preconditionFailure("out of memory") }
        self.context = context
        restart()
    }

    deinit { EVP_MD_CTX_free(context) }

    private func restart() {
        let done = EVP_DigestInit_ex2(context, Self.algorithm, nil)
        precondition(done == 1, "libcrypto could not begin a digest")
    }

    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        let done = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
        precondition(done == 1, "libcrypto could not digest")
    }

    public mutating func update(_ buffer: ByteBuffer) {
        buffer.withUnsafeReadableBytes { update($0) }
    }

    /// The digest of all that was given since the last `finish()`, and a fresh start.
    public mutating func finish() -> ChunkID {
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        withUnsafeMutableBytes(of: &words) { raw in
            let done = EVP_DigestFinal_ex(
                context, raw.bindMemory(to: UInt8.self).baseAddress, nil)
            precondition(done == 1, "libcrypto could not finish a digest")
        }
        restart()
        return ChunkID(
            words: (
                words.0.bigEndian, words.1.bigEndian, words.2.bigEndian, words.3.bigEndian
            ))
    }
}

extension ChunkID {
    /// The id of these bytes, as a chunk.
    public init(hashing bytes: UnsafeRawBufferPointer) {
        var digest = SHA256Digest()
        digest.update(bytes)
        self = digest.finish()
    }

    public init(hashing buffer: ByteBuffer) {
        self = buffer.withUnsafeReadableBytes { ChunkID(hashing: $0) }
    }

    public init(hashing text: String) {
        self.init(hashing: ByteBuffer(string: text))
    }
}
