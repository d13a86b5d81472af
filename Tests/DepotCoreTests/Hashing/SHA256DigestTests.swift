import DepotCore
import NIOCore
import Testing

@Suite struct SHA256DigestTests {
    /// FIPS 180-2, appendix B, and the empty message.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (
            "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopq"
                + "klmnopqrlmnopqrsmnopqrstnopqrstu",
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
        ),
    ])
    func `NIST's messages have NIST's digests`(message: String, expected: String) {
        #expect(ChunkID(hashing: message).hex == expected)
    }

    @Test func `a million a's, in parts of changing length`() {
        let expected = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        let message = ByteBuffer(repeating: UInt8(ascii: "a"), count: 1_000_000)
        #expect(ChunkID(hashing: message).hex == expected)
        var rest = message
        var digest = SHA256Digest()
        var length = 0
        while rest.readableBytes > 0 {
            length = (length * 7 + 1) % 4_099
            if let part = rest.readSlice(length: min(length, rest.readableBytes)) {
                digest.update(part)
            }
        }
        #expect(digest.finish().hex == expected)
    }

    @Test func `every split of a message gives the same digest`() {
        let message = [UInt8](0..<130)
        let whole = ChunkID(hashing: ByteBuffer(bytes: message))
        var digest = SHA256Digest()
        for split in 0...message.count {
            digest.update(ByteBuffer(bytes: message[..<split]))
            digest.update(ByteBuffer(bytes: message[split...]))
            #expect(digest.finish() == whole, "split at \(split)")
        }
    }

    @Test func `an empty buffer without an address can be hashed`() {
        #expect(
            ChunkID(hashing: UnsafeRawBufferPointer(start: nil, count: 0))
                == ChunkID(hashing: ""))
    }
}
