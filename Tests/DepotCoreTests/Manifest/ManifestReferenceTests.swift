import FoundationEssentials
import NIOCore
import Testing

@testable import DepotCore

@Suite struct ManifestReferenceTests {
    private static let chunk = ChunkReference(
        VerifiedObject(hashing: ByteBuffer(string: "content")))

    @Test func `an inline manifest has the id of the text that nobody keeps`() throws {
        let inline = ManifestReference(inline: Self.chunk)
        let text = ByteBuffer(
            string: "depot manifest 1\nsize 7\ndepth 0\n\(Self.chunk.id.hex) 7\n")
        #expect(inline.text == ChunkReference(VerifiedObject(hashing: text)))
        #expect(Manifest(of: Self.chunk).encoded == text)
        #expect(try Manifest(parsing: text) == Manifest(of: Self.chunk))
    }

    @Test func `it is sent with its chunk, and a chunk that it is not of is refused`() throws {
        for reference in [
            ManifestReference(inline: Self.chunk), ManifestReference(stored: Self.chunk),
        ] {
            let sent = try JSONEncoder().encode(reference)
            #expect(try JSONDecoder().decode(ManifestReference.self, from: sent) == reference)
        }
        let sent = String(
            decoding: try JSONEncoder().encode(ManifestReference(inline: Self.chunk)),
            as: UTF8.self)
        for (part, other) in [
            (Self.chunk.id.hex, ChunkID(hashing: "another").hex),
            (ManifestReference(inline: Self.chunk).id.hex, ChunkID(hashing: "another").hex),
            (":7", ":8"), (":\(ManifestReference(inline: Self.chunk).length)", ":9"),
        ] {
            let changed = sent.replacing(part, with: other)
            #expect(changed != sent)
            #expect(throws: DepotError.self, "\(changed)") {
                try JSONDecoder().decode(ManifestReference.self, from: Data(changed.utf8))
            }
        }
    }
}
