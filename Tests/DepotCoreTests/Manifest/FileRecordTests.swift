import NIOCore
import Testing

@testable import DepotCore

@Suite struct FileRecordTests {
    static let cluster = "6f1c2a4e-0b7d-4a53-9c58-1d2e3f4a5b6c"
    static let chunk = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"

    private static let file = #"""
        {"cluster":"6f1c2a4e-0b7d-4a53-9c58-1d2e3f4a5b6c","contentType":"text/plain; charset=\"utf-8\"","level":3,"manifest":"2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae","manifestLength":112,"mode":420,"modified":1700000000123456789,"name":"a/b/é \"x\\y","sequence":"00000001-0000000000000005","size":1152921504606846976,"time":1700000001}

        """#
    private static let small = #"""
        {"chunk":"2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae","cluster":"6f1c2a4e-0b7d-4a53-9c58-1d2e3f4a5b6c","level":3,"mode":384,"name":"small","sequence":"00000001-0000000000000007","size":3,"time":5}

        """#
    private static let tombstone = #"""
        {"cluster":"6f1c2a4e-0b7d-4a53-9c58-1d2e3f4a5b6c","deleted":true,"level":2,"name":"file.txt","sequence":"00000002-0000000000000001","time":-1}

        """#
    private static let bare = #"""
        {"cluster":"6f1c2a4e-0b7d-4a53-9c58-1d2e3f4a5b6c","level":1,"manifest":"2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae","manifestLength":40,"name":"empty","sequence":"00000001-0000000000000001","size":0,"time":0}

        """#

    private func record(
        _ name: String, epoch: UInt32, counter: UInt64, time: Int64,
        _ content: (ChunkID) throws -> FileRecord.Content
    ) throws -> FileRecord {
        FileRecord(
            format: .one, cluster: try #require(ClusterID(Self.cluster)), name: try FileName(name),
            sequence: CommitSequence(epoch: epoch, counter: counter), time: time,
            content: try content(try #require(ChunkID(hex: Self.chunk))))
    }

    static func expect(_ record: FileRecord, is text: String, id: String) throws {
        let object = record.encoded()
        #expect(object.contiguous == ByteBuffer(string: text))
        #expect(object.id.kind == .record)
        #expect(object.id.hash.hex == id)
        #expect(record.objectID == object.id)
        #expect(try FileRecord(parsing: ByteBuffer(string: text)) == record)
    }

    @Test func `a file's record has a known text and id`() throws {
        let record = try record("a/b/é \"x\\y", epoch: 1, counter: 5, time: 1_700_000_001) {
            .file(
                level: .three, manifest: .init(stored: try ChunkReference(id: $0, length: 112)),
                size: ByteCount.range.upperBound,
                metadata: try FileMetadata(
                    mode: 0o644, modified: FileTime(nanoseconds: 1_700_000_000_123_456_789),
                    contentType: "text/plain; charset=\"utf-8\""))
        }
        try Self.expect(
            record, is: Self.file,
            id: "749300120451c63c029e9e3cda50d8e9727600ab6a4b6363821c1a15b304ec03")
        #expect(record.nameHash == ChunkID(hashing: "a/b/é \"x\\y"))
    }

    @Test func `the record of a file of one chunk names that chunk`() throws {
        let record = try record("small", epoch: 1, counter: 7, time: 5) {
            .file(
                level: .three,
                manifest: .init(inline: try ChunkReference(id: $0, length: 3)), size: 3,
                metadata: FileMetadata(mode: 0o600))
        }
        try Self.expect(
            record, is: Self.small,
            id: "3fd7a93695fb438a51c0fc48e9b94f121709a90e3a1e493b3d9870d3c4a61ee7")
    }

    /// A chunk has 1 byte to 8 MiB; beside it nothing is said about a manifest.
    @Test(arguments: [
        ("\"size\":3", "\"size\":0"), ("\"size\":3", "\"size\":8388609"),
        ("\"size\":3", "\"size\":1152921504606846976"), ("2c26", "2C26"),
        ("\"chunk\"", "\"chunks\""),
        ("\"level\":3,", "\"level\":3,\"manifest\":\"\(chunk)\",\"manifestLength\":9,"),
        ("{\"chunk\":\"\(chunk)\",", "{"), ("\"cluster\"", "\"chunk\":\"\(chunk)\",\"cluster\""),
        ("\"level\":3,", "\"deleted\":true,\"level\":3,"),
    ])
    func `a record that names a chunk in another way is refused`(
        part: String, replacement: String
    ) throws {
        let text = Self.small.replacing(part, with: replacement, maxReplacements: 1)
        try #require(text != Self.small)
        #expect(throws: DepotError.self) { try FileRecord(parsing: ByteBuffer(string: text)) }
    }

    @Test func `a tombstone's, too`() throws {
        let record = try record("file.txt", epoch: 2, counter: 1, time: -1) { _ in
            .deleted(level: try ReplicationLevel(2))
        }
        try Self.expect(
            record, is: Self.tombstone,
            id: "446d3bb5d372a578456b7630eb6a15b573f14465f9f108a525712c4dd9631726")
    }

    @Test func `absent metadata is absent`() throws {
        let record = try record("empty", epoch: 1, counter: 1, time: 0) {
            .file(
                level: .one, manifest: .init(stored: try ChunkReference(id: $0, length: 40)),
                size: 0,
                metadata: FileMetadata())
        }
        try Self.expect(
            record, is: Self.bare,
            id: "0ab3d594f98ce3d32146744635f48758296d55eb0cbac1e57b25b2d691b872d4")
    }

    /// A later door may have such keys.
    @Test(arguments: [
        "a//b", "x/", "/absolute", ".", "a/../up", "a\nb", "\u{1}", "\u{7F}\u{80}", "\"\\", "‛2F",
    ])
    func `names that are no paths have records`(name: String) throws {
        let record = FileRecord(
            cluster: .random(), name: try FileName(name), sequence: .first, time: 0,
            content: .deleted(level: .one))
        let back = try FileRecord(parsing: record.encoded().contiguous)
        #expect(back == record && back.name.text.utf8.elementsEqual(name.utf8))
    }

    /// Each differs from `bare` by one replacement, and a lenient reader of JSON would take most.
    @Test(arguments: [
        ("\n", ""), ("\n", "\n\n"), ("\n", " \n"), ("{", "{ "), (":1,", ": 1,"), (":1,", ":1.0,"),
        (":1,", ":1e0,"), (":1,", ":0,"), (":1,", ":33,"), (":1,", ":\"1\","),
        ("\"empty\"", "\"\\u0065mpty\""), ("\"empty\"", "\"\""), ("\"empty\"", "null"),
        ("\"empty\"", "\"a\\/b\""), ("\"size\":0", "\"size\":-1"),
        ("\"size\":0", "\"size\":18446744073709551616"), ("\"size\":0,", ""),
        ("\"size\":0", "\"size\":1152921504606846977"),
        ("\"size\":0", "\"size\":0,\"size\":0"), ("\"size\":0", "\"size\":0,\"surplus\":1"),
        ("\"size\":0", "\"size\":00"), ("\"time\":0", "\"time\":-0"),
        ("\"manifestLength\":40", "\"manifestLength\":0"),
        ("\"manifestLength\":40", "\"manifestLength\":8388609"),
        ("2c26", "2C26"), ("6f1c", "6F1C"), ("00000001-", "1-"),
        ("\"level\"", "\"deleted\":false,\"level\""), ("\"level\"", "\"deleted\":true,\"level\""),
        ("\"level\"", "\"deleted\":null,\"level\""), ("\"name\"", "\"mode\":4096,\"name\""),
        ("\"level\"", "\"contentType\":\"\",\"level\""),
        ("\"level\"", "\"contentType\":\"a\\nb\",\"level\""), ("{", "[{"), ("{", "\u{feff}{"),
    ])
    func `other spellings and other values are refused`(part: String, replacement: String) throws {
        let text = Self.bare.replacing(part, with: replacement, maxReplacements: 1)
        try #require(text != Self.bare)
        do throws(DepotError) {
            _ = try FileRecord(parsing: ByteBuffer(string: text))
            Issue.record("accepted")
        } catch { #expect(error.code == .invalidArgument) }
    }

    @Test(arguments: [file, small, tombstone, bare] + RecordFormatTwoTests.all)
    func `a record with any byte changed or missing is refused or canonical`(text: String) {
        let bytes = Array(text.utf8)
        let values = Array("\0\n \"\\{}[],:019atn-".utf8) + [0x80, 0xc3, 0xff]
        for index in bytes.indices {
            var short = bytes
            short.remove(at: index)
            expectCanonical(short)
            expectCanonical(Array(bytes[..<index]))
            for value in values {
                var changed = bytes
                changed[index] = value
                expectCanonical(changed)
            }
        }
    }

    private func expectCanonical(_ bytes: [UInt8]) {
        let text = ByteBuffer(bytes: bytes)
        if let record = try? FileRecord(parsing: text) {
            #expect(record.encoded().contiguous == text)
        }
    }

    @Test func `long text and deep nesting are refused`() {
        for text in [
            String(repeating: " ", count: Limits.recordSizeMax + 1),
            String(repeating: "[", count: Limits.recordSizeMax),
            String(repeating: "{\"name\":", count: 2_000),
        ] {
            #expect(throws: DepotError.self) {
                try FileRecord(parsing: ByteBuffer(string: text))
            }
        }
    }

    @Test(arguments: ["", "a\nb", "é", String(repeating: "x", count: 256), "a\u{7f}"])
    func `a content type is short and printable`(contentType: String) {
        do throws(DepotError) {
            _ = try FileMetadata(contentType: contentType)
            Issue.record("accepted")
        } catch { #expect(error.code == .invalidArgument) }
    }

    @Test func `only permission bits of a mode are kept`() {
        #expect(FileMetadata(mode: 0o100644).mode == 0o644)
        #expect(FileMetadata(mode: 0o104755).mode == 0o4755)
    }
}
