import DepotCore
import NIOCore

// A connection checks little: TCP's sum of 16 bits misses some damage, and a proxy's mistakes
// altogether. Chunks are hashed by whoever takes them in. What is decided by, such as vouches,
// verdicts, names and levels, has no hash of its own; so it is sent with one. Without it one
// flipped bit turns `absent` into `durable`.

/// The header that carries the SHA-256 of a body. Bodies that are made of chunks have none; nor
/// need people who call with `curl` send one.
public enum BodyDigest {
    public static let header = "depot-sha256"

    public static func of(_ body: ByteBuffer) -> String { ChunkID(hashing: body).hex }

    /// - Throws: `unreachable`: it was changed on its way, and may well arrive when it is sent
    ///   again.
    public static func check(
        _ body: ByteBuffer, against expected: String?, from sender: String
    ) throws(DepotError) {
        guard let expected, expected != of(body) else { return }
        throw DepotError(
            .unreachable,
            "a body was changed on its way: it has not the SHA-256 that was sent with it",
            object: sender)
    }
}
