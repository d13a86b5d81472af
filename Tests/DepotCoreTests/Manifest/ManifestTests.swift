import NIOCore
import Testing

@testable import DepotCore

@Suite struct ManifestTests {
    private static let one = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
    private static let two = "fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9"
    private static let text = """
        depot manifest 1
        size 2621440
        depth 0
        \(one) 1048576
        \(two) 1572864

        """

    @Test func `a manifest is read and written byte for byte`() throws {
        let manifest = try Manifest(parsing: ByteBuffer(string: Self.text))
        #expect(manifest.depth == .chunks)
        #expect(manifest.size == 2_621_440)
        #expect(manifest.entries.map(\.id.hex) == [Self.one, Self.two])
        #expect(manifest.entries.map(\.length) == [1_048_576, 1_572_864])
        #expect(manifest.encoded == ByteBuffer(string: Self.text))
    }

    @Test func `the empty file has no lines`() throws {
        let finished = ManifestBuilder().finish()
        let text = ByteBuffer(string: "depot manifest 1\nsize 0\ndepth 0\n")
        #expect(finished.objects.isEmpty && finished.pieces.isEmpty)
        #expect(
            finished.reference.id.hex
                == "2e913a1c2726fe87bdd1c1fe82d4a9b76196b0f2356ca18b75f847406509d8e3")
        #expect(finished.reference == .empty && finished.reference.chunk == nil)
        #expect(finished.reference.inlineManifest?.encoded == text)
        #expect(try Manifest(parsing: text).entries.isEmpty)
    }

    /// Each differs from `text` by one replacement.
    @Test(arguments: [
        (
            "depot manifest 1\n", "depot manifest 1\r\n",
            "line 1, byte 0: expected 'depot manifest 1\n'"
        ),
        (
            "depot manifest 1\n", "depot manifest 2\n",
            "line 1, byte 0: expected 'depot manifest 1\n'"
        ),
        (
            "depot manifest 1\n", "\u{feff}depot manifest 1\n",
            "line 1, byte 0: expected 'depot manifest 1\n'"
        ),
        ("size 2621440", "size 2621441", ""),
        (
            "size 2621440", "size 02621440",
            "line 2, byte 30: expected a decimal number without leading zeros"
        ),
        (
            "size 2621440", "size +2621440",
            "line 2, byte 22: expected a decimal number without leading zeros"
        ),
        (
            "size 2621440", "size -1",
            "line 2, byte 22: expected a decimal number without leading zeros"
        ),
        (
            "size 2621440", "size ",
            "line 2, byte 22: expected a decimal number without leading zeros"
        ),
        (
            "size 2621440", "size 18446744073709551616",
            "line 2, byte 41: expected a number below 2^64"
        ),
        (
            "size 2621440", "size 99999999999999999999999",
            "line 2, byte 41: expected a number below 2^64"
        ),
        ("size 2621440", "size 2621440 ", "line 2, byte 29: expected the line's end"),
        ("size 2621440\n", "", "line 2, byte 17: expected 'size '"),
        ("depth 0", "depth 2", "line 3, byte 37: expected a depth of 0 or 1"),
        ("depth 0", "depth 00", "line 3, byte 38: expected a decimal number without leading zeros"),
        ("depth 0", "depth 18446744073709551615", "line 3, byte 56: expected a depth of 0 or 1"),
        (
            "depth 0", "depth 1",
            "its pieces are not of the lengths that depth 1 gives; deposit the file again"
        ),
        ("2c26b4", "2C26b4", "line 4, byte 38: expected 64 lowercase hexadecimal digits"),
        ("2c26b4", "2c26b", "line 4, byte 38: expected 64 lowercase hexadecimal digits"),
        ("2c26b4", "2c26b44", "line 4, byte 102: expected ' '"),
        (
            " 1048576", "  1048576",
            "line 4, byte 103: expected a decimal number without leading zeros"
        ),
        (" 1048576", "\t1048576", "line 4, byte 102: expected ' '"),
        (" 1048576", " 0", "line 4, byte 104: expected a length of 1 to 8388608 bytes"),
        (" 1048576", " 8388609", "line 4, byte 110: expected a length of 1 to 8388608 bytes"),
        (
            " 1048576\n", " 1048576\n\n",
            "line 5, byte 111: expected 64 lowercase hexadecimal digits"
        ),
        (" 1572864\n", " 1572864", "line 5, byte 183: expected the line's end"),
        (" 1572864\n", " 1572864\r\n", "line 5, byte 183: expected the line's end"),
        (" 1572864\n", " 1572864 \n", "line 5, byte 183: expected the line's end"),
        (" 1572864\n", " 1572864\n#", "line 6, byte 184: expected 64 lowercase hexadecimal digits"),
    ])
    func `anything else is no manifest`(part: String, replacement: String, reason: String) throws {
        let range = try #require(Self.text.utf8.firstRange(of: part.utf8))
        var bytes = Array(Self.text.utf8)
        let start = Self.text.utf8.distance(from: Self.text.startIndex, to: range.lowerBound)
        bytes.replaceSubrange(start..<start + part.utf8.count, with: Array(replacement.utf8))
        do throws(DepotError) {
            _ = try Manifest(parsing: ByteBuffer(bytes: bytes))
            Issue.record("accepted")
        } catch {
            #expect(error.code == .manifestInvalid)
            if !reason.isEmpty { #expect(error.message.hasSuffix(reason), "\(error.message)") }
        }
    }

    @Test func `lengths that do not add up are told in full`() {
        let text = Self.text.replacing("size 2621440", with: "size 2621441")
        do throws(DepotError) {
            _ = try Manifest(parsing: ByteBuffer(string: text))
            Issue.record("accepted")
        } catch {
            #expect(
                error.message == "it says size 2621441, but its chunks have 2621440 bytes")
        }
    }

    @Test func `text over the limit is not read`() {
        let text = ByteBuffer(
            repeating: UInt8(ascii: "0"), count: Limits.manifestSizeMax + 1)
        #expect(throws: DepotError.self) { try Manifest(parsing: text) }
        #expect(throws: DepotError.self) { try ManifestPiece(parsing: text) }
        #expect(throws: DepotError.self) { try ManifestPiece(parsing: ByteBuffer()) }
    }

    @Test func `a text with any byte changed, missing or added is refused or canonical`() {
        let bytes = Array(Self.text.utf8)
        let values = Array("\0\n\r 019afAg-+\u{7f}".utf8) + [0x80, 0xff]
        for index in bytes.indices {
            var short = bytes
            short.remove(at: index)
            Self.expectCanonical(short)
            Self.expectCanonical(Array(bytes[..<index]))
            for value in values {
                var changed = bytes
                changed[index] = value
                Self.expectCanonical(changed)
                var long = bytes
                long.insert(value, at: index)
                Self.expectCanonical(long)
            }
        }
    }

    @Test func `random damage is refused or canonical`() {
        let seed: UInt64 = 7
        var random = SeededGenerator(seed: seed)
        let bytes = Array(Self.text.utf8)
        for _ in 0..<5_000 {
            var changed = bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = Int.random(in: changed.indices, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: changed[index] = UInt8.random(in: 0...255, using: &random)
                case 1: changed.remove(at: index)
                case 2: changed.insert(bytes.randomElement(using: &random) ?? 0, at: index)
                default: changed.swapAt(index, changed.indices.randomElement(using: &random) ?? 0)
                }
            }
            Self.expectCanonical(changed, "seed \(seed)")
        }
    }

    private static func expectCanonical(_ bytes: [UInt8], _ comment: Comment? = nil) {
        let text = ByteBuffer(bytes: bytes)
        if let manifest = try? Manifest(parsing: text) {
            #expect(manifest.encoded == text, comment)
        }
        if let piece = try? ManifestPiece(parsing: text) {
            var lines = ByteBuffer()
            for entry in piece.entries { ManifestText.write(entry, to: &lines) }
            #expect(lines == text, comment)
        }
    }
}
