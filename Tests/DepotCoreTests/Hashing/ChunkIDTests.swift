import FoundationEssentials
import NIOCore
import Testing

@testable import DepotCore

@Suite struct ChunkIDTests {
    private static let text = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

    @Test func `hex, bytes and buffers are three spellings of one id`() throws {
        let id = try #require(ChunkID(hex: Self.text))
        #expect(id.bytes == [UInt8](0..<32))
        #expect(ChunkID(bytes: 0..<32) == id)
        #expect(ChunkID(hexDigits: Array(Self.text.utf8)) == id)
        #expect(id.hex == Self.text)
        #expect("\(id)" == Self.text)
        var buffer = ByteBuffer()
        #expect(buffer.writeChunkID(id) == 32)
        #expect(buffer.writeHex(id) == 64)
        #expect(Array(buffer.readableBytesView.prefix(32)) == id.bytes)
        #expect(buffer.readChunkID() == id)
        #expect(buffer.readString(length: 64) == Self.text)
        #expect(buffer.readChunkID() == nil)
    }

    @Test(arguments: [
        "", "00", String(text.dropLast()), text + "0", text.uppercased(),
        String(text.dropLast()) + "g", String(text.dropLast()) + " ", "-" + text.dropFirst(),
        "０" + text.dropFirst(3),
    ])
    func `only 64 lowercase digits are an id`(text: String) {
        #expect(ChunkID(hex: text) == nil)
    }

    @Test(arguments: [0, 31, 33]) func `only 32 bytes are an id`(count: Int) {
        #expect(ChunkID(bytes: [UInt8](repeating: 1, count: count)) == nil)
    }

    @Test func `the order is that of the bytes`() {
        var random = SeededGenerator(seed: 1)
        let ids = (0..<200).map { _ in random.chunkID() }
        let byBytes = ids.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
        #expect(ids.sorted() == byBytes)
        #expect(ids.sorted { $0.hex < $1.hex } == byBytes)
        let low = ChunkID(words: (1, 2, 3, 4))
        #expect(low < ChunkID(words: (1, 2, 3, 5)))
        #expect(low < ChunkID(words: (1, 3, 0, 0)))
        #expect(!(low < low))
    }

    @Test func `ids that differ in any byte are different`() {
        let bytes = ChunkID(hashing: "x").bytes
        for index in bytes.indices {
            var other = bytes
            other[index] ^= 1
            #expect(ChunkID(bytes: other) != ChunkID(bytes: bytes))
        }
    }

    @Test func `JSON is the hex text, and nothing else is taken`() throws {
        let id = ChunkID(hashing: "x")
        let json = try JSONEncoder().encode([id])
        #expect(String(decoding: json, as: UTF8.self) == "[\"\(id.hex)\"]")
        #expect(try JSONDecoder().decode([ChunkID].self, from: json) == [id])
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([ChunkID].self, from: Data("[\"ab\"]".utf8))
        }
    }

    @Test func `objects are ordered by kind, then by id`() {
        let low = ChunkID(words: (1, 0, 0, 0))
        let high = ChunkID(words: (2, 0, 0, 0))
        #expect(
            [ObjectID.record(low), .chunk(high), .record(high), .chunk(low)].sorted()
                == [.chunk(low), .chunk(high), .record(low), .record(high)])
    }

    @Test(arguments: [
        ("", "", true), ("token", "token", true), ("token", "tokem", false),
        ("token", "token ", false), ("", "x", false), ("é", "e\u{301}", false),
    ])
    func `secrets are compared by their bytes`(left: String, right: String, equal: Bool) {
        #expect(equalInConstantTime(left, right) == equal)
    }
}
