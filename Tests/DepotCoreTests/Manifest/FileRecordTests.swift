import Foundation
import NIOCore
import Testing

@testable import DepotCore

@Suite struct FileRecordTests {
    private static let cluster = "6f1c2a4e-0b7d-4a53-9c58-1d2e3f4a5b6c"
    private static let chunk = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"

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

    // Of format 2.
    private static let full = #"""
        {"cluster":"6f1c2a4e-0b7d-4a53-9c58-1d2e3f4a5b6c","contentType":"text/plain","entityTag":"d41d8cd9-2","extended":{"security.capability":"AQAAAgA=","user.note":""},"format":2,"group":4294967295,"groupName":"staff","hardLinks":"0a1b2c3d-0000-4000-8000-000000000001","holes":"4096-8192,12288-16384","level":3,"manifest":"2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae","manifestLength":112,"mode":420,"modified":"15000000000.000000001","name":"a/b","notes":{"a":"1","é":"\"x\""},"origin":"00000001-0000000000000004","owner":0,"ownerName":"root","request":"0a1b2c3d-0000-4000-8000-000000000002","sequence":"00000001-0000000000000005","size":20000,"tags":{"t":""},"time":1700000001}

        """#
    private static let nothing = #"""
        {"cluster":"6f1c2a4e-0b7d-4a53-9c58-1d2e3f4a5b6c","format":2,"level":2,"name":"empty","sequence":"00000001-0000000000000006","size":0,"time":0}

        """#
    private static let folder = #"""
        {"cluster":"6f1c2a4e-0b7d-4a53-9c58-1d2e3f4a5b6c","folder":true,"format":2,"level":1,"mode":1005,"name":"folder","sequence":"00000001-0000000000000007","size":0,"time":0}

        """#
    private static let link = #"""
        {"cluster":"6f1c2a4e-0b7d-4a53-9c58-1d2e3f4a5b6c","format":2,"level":1,"link":"../a\u0009\\b","modified":"-0.500000000","name":"link","sequence":"00000001-0000000000000008","size":0,"time":0}

        """#
    private static let repeatable = #"""
        {"cluster":"6f1c2a4e-0b7d-4a53-9c58-1d2e3f4a5b6c","deleted":true,"format":2,"level":2,"name":"gone","request":"0a1b2c3d-0000-4000-8000-000000000003","sequence":"00000002-0000000000000001","time":-1}

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

    private func expect(_ record: FileRecord, is text: String, id: String) throws {
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
        try expect(
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
        try expect(
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
        try expect(
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
        try expect(
            record, is: Self.bare,
            id: "0ab3d594f98ce3d32146744635f48758296d55eb0cbac1e57b25b2d691b872d4")
    }

    private func second(
        _ name: String, counter: UInt64, manifest: ManifestReference, size: UInt64 = 0,
        time: Int64 = 0, level: Int = 1, metadata: FileMetadata, origin: CommitSequence? = nil,
        request: String? = nil
    ) throws -> FileRecord {
        FileRecord(
            cluster: try #require(ClusterID(Self.cluster)), name: try FileName(name),
            sequence: CommitSequence(epoch: 1, counter: counter), time: time,
            content: .file(
                level: try ReplicationLevel(level), manifest: manifest, size: size,
                metadata: metadata),
            origin: origin, request: request.flatMap { RequestID($0) })
    }

    @Test func `a record of format 2 says all that was given`() throws {
        var metadata = try FileMetadata(
            mode: 0o644, modified: FileTime(seconds: 15_000_000_000, nanoseconds: 1),
            contentType: "text/plain", entityTag: "d41d8cd9-2")
        metadata.annotations = try Annotations(["é": "\"x\"", "a": "1"])
        metadata.tags = try Annotations(["t": ""])
        metadata.extended = try ExtendedAttributes([
            "user.note": [], "security.capability": [1, 0, 0, 2, 0],
        ])
        metadata.ownership = try Ownership(
            user: 0, group: .max, userName: "root", groupName: "staff")
        metadata.hardLinks = HardLinkID("0a1b2c3d-0000-4000-8000-000000000001")
        metadata.holes = try Holes([4_096..<8_192, 12_288..<16_384])
        let chunk = try #require(ChunkID(hex: Self.chunk))
        let record = try second(
            "a/b", counter: 5, manifest: .init(stored: try ChunkReference(id: chunk, length: 112)),
            size: 20_000, time: 1_700_000_001, level: 3, metadata: metadata,
            origin: CommitSequence(epoch: 1, counter: 4),
            request: "0a1b2c3d-0000-4000-8000-000000000002")
        try expect(
            record, is: Self.full,
            id: "e7a8ff443f9cedbfe7aded96142cb69de86451900dc69153837fad5529d35e95")
        let body = try JSONEncoder().encode(metadata)
        #expect(try JSONDecoder().decode(FileMetadata.self, from: body) == metadata)
    }

    @Test func `empty files, folders and links have no manifest`() throws {
        let file = try second(
            "empty", counter: 6, manifest: .empty, level: 2, metadata: FileMetadata())
        try expect(
            file, is: Self.nothing,
            id: "6749ab45842ebdab85cbada01fd76da0cf1b88767bac07deef73fd4b4b3c77ce")
        var metadata = FileMetadata(mode: 0o1755)
        metadata.kind = .folder
        try expect(
            try second("folder", counter: 7, manifest: .empty, metadata: metadata),
            is: Self.folder, id: "84b1b26fd5eac7064206e088bf25f9bad7273c07d468b5299d68fdb6431ef18e")
        metadata = FileMetadata(modified: FileTime(seconds: -1, nanoseconds: 500_000_000))
        metadata.kind = .link(try LinkTarget("../a\t\\b"))
        try expect(
            try second("link", counter: 8, manifest: .empty, metadata: metadata),
            is: Self.link, id: "c7589141286479aeaf5f93256503e878a774d59a2ccb6f5e444f93c7f0de5ee1")
        let body = try JSONEncoder().encode(metadata)
        #expect(try JSONDecoder().decode(FileMetadata.self, from: body) == metadata)
    }

    @Test func `a tombstone names the request that asked for it`() throws {
        let record = FileRecord(
            cluster: try #require(ClusterID(Self.cluster)), name: try FileName("gone"),
            sequence: CommitSequence(epoch: 2, counter: 1), time: -1,
            content: .deleted(level: try ReplicationLevel(2)),
            request: RequestID("0a1b2c3d-0000-4000-8000-000000000003"))
        try expect(
            record, is: Self.repeatable,
            id: "691b97d2f2fc1f2266f9e6cc5c26b00b8b977dacf45557ce595766104a355b7e")
    }

    /// What format 1 has no place for is refused there, and no field is ever passed over.
    @Test(arguments: [
        (full, "\"format\":2", "\"format\":1"), (full, "\"format\":2,", ""),
        (full, "\"format\":2", "\"format\":3"), (nothing, "\"format\":2,", ""),
        (folder, "\"format\":2,", ""), (link, "\"format\":2,", ""),
        (repeatable, "\"format\":2,", ""), (full, "\"mode\"", "\"mod\":1,\"mode\""),
        (full, "\"a\":\"1\"", "\"a\":\"1\",\"a\":\"1\""),
        (full, "{\"a\":\"1\",\"é\":\"\\\"x\\\"\"}", "{}"),
        (full, "\"a\":\"1\",\"é\":\"\\\"x\\\"\"", "\"é\":\"\\\"x\\\"\",\"a\":\"1\""),
        (full, "AQAAAgA=", "AQAAAgA"), (full, "AQAAAgA=", "AQAAAgA*"),
        (full, "\"group\":4294967295,", ""), (full, "4294967295", "4294967296"),
        (full, "4096-8192", "8192-4096"), (full, "8192,12288", "8192,8192"),
        (full, "-16384", "-16384,"), (full, "15000000000.000000001", "15000000000.1"),
        (full, "15000000000.000000001", "015000000000.000000001"),
        // Of a format to come: what it says could be why a version may not go.
        (full, "\"holes\"", "\"hold\":true,\"holes\""),
        (full, "\"sequence\"", "\"retainedUntil\":1800000000,\"sequence\""),
        (full, "d41d8cd9-2", "d41\\\"d8"),
        (full, "\"root\"", "\"\""), (full, "0a1b2c3d-0000-4000-8000-000000000002", "2"),
        (
            full, "\"contentType\":\"text/plain\",",
            "\"contentType\":\"text/plain\",\"deleted\":true,"
        ),
        (folder, "\"size\":0", "\"size\":1"), (link, "\"size\":0", "\"size\":1"),
        (folder, "\"level\":1,", "\"level\":1,\"link\":\"a\","),
        (link, "\"cluster\"", "\"chunk\":\"\(chunk)\",\"cluster\""),
        (link, "\\u0009", "\\t"), (link, "\\u0009", "\t"), (link, "\\u0009", "\\u0000"),
        (link, "\\u0009", "\\u00+9"), (link, "\"../a\\u0009\\\\b\"", "\"\""),
        (link, "-0.5", "-1.5.5"), (link, "-0.500000000", "-0"),
        (link, "-0.500000000", "-0.000000000"),
        (nothing, "\"size\":0", "\"size\":1"), (repeatable, "\"level\"", "\"hold\":true,\"level\""),
    ])
    func `other spellings and values of format 2 are refused`(
        text: String, part: String, replacement: String
    ) throws {
        let changed = text.replacing(part, with: replacement, maxReplacements: 1)
        try #require(changed != text)
        #expect(throws: DepotError.self, "\(changed)") {
            try FileRecord(parsing: ByteBuffer(string: changed))
        }
    }

    @Test func `the longest record is below the limit`() throws {
        var metadata = try FileMetadata(
            mode: 0o7777, modified: FileTime(seconds: .min, nanoseconds: 999_999_999),
            contentType: String(repeating: "\\", count: Limits.contentTypeSizeMax),
            entityTag: String(repeating: "\\", count: Limits.contentTypeSizeMax))
        metadata.kind = .link(
            try LinkTarget(String(repeating: "\u{1}", count: LinkTarget.sizeMax)))
        let names = (0..<64).map { String(repeating: "\"", count: 250) + "\($0 + 10)" }
        metadata.extended = try ExtendedAttributes(
            Dictionary(uniqueKeysWithValues: names.map { ($0, []) }))
        let texts = (0..<64).map { "\($0 + 10)\(String(repeating: "\\", count: 29))" }
        metadata.annotations = try Annotations(
            Dictionary(uniqueKeysWithValues: texts.map { ($0, "") }))
        metadata.tags = metadata.annotations
        let name = String(repeating: "\\", count: Ownership.nameSizeMax)
        metadata.ownership = try Ownership(
            user: .max, group: .max, userName: name, groupName: name)
        metadata.hardLinks = .random()
        let end = ByteCount.range.upperBound
        metadata.holes = try Holes(
            (0..<256).map { end - 10 * (256 - $0)..<end - 10 * (256 - $0) + 9 })
        let record = try second(
            String(repeating: "\"", count: Limits.fileNameSizeMax), counter: 1, manifest: .empty,
            time: .min, level: Limits.levelMax, metadata: metadata, origin: .first,
            request: "0a1b2c3d-0000-4000-8000-000000000003")
        #expect(record.encoded().length <= Limits.recordSizeMax)
        #expect(record.encoded().length > Limits.recordSizeMax / 2)
        #expect(try FileRecord(parsing: record.encoded().contiguous) == record)
    }

    /// Each differs from `bare` by one replacement, and a lenient reader of JSON would take most.
    @Test(arguments: [
        ("\n", ""), ("\n", "\n\n"), ("\n", " \n"), ("{", "{ "), (":1,", ": 1,"), (":1,", ":1.0,"),
        (":1,", ":1e0,"), (":1,", ":0,"), (":1,", ":33,"), (":1,", ":\"1\","),
        ("\"empty\"", "\"\\u0065mpty\""), ("\"empty\"", "\"../empty\""), ("\"empty\"", "null"),
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

    @Test(arguments: [file, small, tombstone, bare, full, nothing, folder, link, repeatable])
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
