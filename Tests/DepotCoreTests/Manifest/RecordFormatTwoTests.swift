import Foundation
import NIOCore
import Testing

@testable import DepotCore

/// Records of format 2: what each field is spelled as, and which texts are none.
@Suite struct RecordFormatTwoTests {
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
    private static let special = #"""
        {"cluster":"6f1c2a4e-0b7d-4a53-9c58-1d2e3f4a5b6c","format":2,"level":1,"mode":432,"name":"disk","sequence":"00000001-0000000000000009","size":0,"special":"block 8:1","time":0}

        """#
    private static let repeatable = #"""
        {"cluster":"6f1c2a4e-0b7d-4a53-9c58-1d2e3f4a5b6c","deleted":true,"format":2,"level":2,"name":"gone","request":"0a1b2c3d-0000-4000-8000-000000000003","sequence":"00000002-0000000000000001","time":-1}

        """#
    private static let locked = #"""
        {"cluster":"6f1c2a4e-0b7d-4a53-9c58-1d2e3f4a5b6c","format":2,"level":1,"locks":{"2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae":"held 1800000000","e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855":"1800000000"},"name":"kept","purged":"00000001-0000000000000003","sequence":"00000001-0000000000000009","since":-2,"size":0,"time":5}

        """#

    /// A record of each kind.
    static let all = [full, nothing, folder, link, special, repeatable, locked]

    private func second(
        _ name: String, counter: UInt64, manifest: ManifestReference, size: UInt64 = 0,
        time: Int64 = 0, level: Int = 1, metadata: FileMetadata, origin: CommitSequence? = nil,
        request: String? = nil, history: NameHistory = .none
    ) throws -> FileRecord {
        FileRecord(
            cluster: try #require(ClusterID(FileRecordTests.cluster)), name: try FileName(name),
            sequence: CommitSequence(epoch: 1, counter: counter), time: time,
            content: .file(
                level: try ReplicationLevel(level), manifest: manifest, size: size,
                metadata: metadata),
            origin: origin, request: request.flatMap { RequestID($0) }, history: history)
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
        let chunk = try #require(ChunkID(hex: FileRecordTests.chunk))
        let record = try second(
            "a/b", counter: 5, manifest: .init(stored: try ChunkReference(id: chunk, length: 112)),
            size: 20_000, time: 1_700_000_001, level: 3, metadata: metadata,
            origin: CommitSequence(epoch: 1, counter: 4),
            request: "0a1b2c3d-0000-4000-8000-000000000002")
        try FileRecordTests.expect(
            record, is: Self.full,
            id: "e7a8ff443f9cedbfe7aded96142cb69de86451900dc69153837fad5529d35e95")
        let body = try JSONEncoder().encode(metadata)
        #expect(try JSONDecoder().decode(FileMetadata.self, from: body) == metadata)
    }

    @Test func `empty files, and what is no file, have no manifest`() throws {
        let file = try second(
            "empty", counter: 6, manifest: .empty, level: 2, metadata: FileMetadata())
        try FileRecordTests.expect(
            file, is: Self.nothing,
            id: "6749ab45842ebdab85cbada01fd76da0cf1b88767bac07deef73fd4b4b3c77ce")
        var metadata = FileMetadata(mode: 0o1755)
        metadata.kind = .folder
        try FileRecordTests.expect(
            try second("folder", counter: 7, manifest: .empty, metadata: metadata),
            is: Self.folder, id: "84b1b26fd5eac7064206e088bf25f9bad7273c07d468b5299d68fdb6431ef18e")
        metadata = FileMetadata(modified: FileTime(seconds: -1, nanoseconds: 500_000_000))
        metadata.kind = .link(try LinkTarget("../a\t\\b"))
        try FileRecordTests.expect(
            try second("link", counter: 8, manifest: .empty, metadata: metadata),
            is: Self.link, id: "c7589141286479aeaf5f93256503e878a774d59a2ccb6f5e444f93c7f0de5ee1")
        let body = try JSONEncoder().encode(metadata)
        #expect(try JSONDecoder().decode(FileMetadata.self, from: body) == metadata)
        metadata = FileMetadata(mode: 0o660)
        metadata.kind = .special(.block(try #require(DeviceNumber(major: 8, minor: 1))))
        try FileRecordTests.expect(
            try second("disk", counter: 9, manifest: .empty, metadata: metadata),
            is: Self.special,
            id: "7862427aa61dcc7c6f1708abc0d8a0edd5e1f5a4edec9aa9d44fc36ad710d608")
    }

    @Test(arguments: ["fifo", "socket", "block 8:1", "char 0:0", "char 4095:1048575"])
    func `a special file has one text, in records and in JSON`(text: String) throws {
        let special = try SpecialFile(text)
        #expect(special.description == text)
        var metadata = FileMetadata()
        metadata.kind = .special(special)
        let record = try second("s", counter: 1, manifest: .empty, metadata: metadata)
        #expect(try FileRecord(parsing: record.encoded().contiguous) == record)
        let body = try JSONEncoder().encode(metadata)
        #expect(try JSONDecoder().decode(FileMetadata.self, from: body) == metadata)
    }

    @Test(arguments: [
        "", "fifo ", " fifo", "FIFO", "fifo 1:3", "socket ", "block", "block ", "block 1",
        "block 8:", "block :1", "block 8:1 ", "block  8:1", "block 8:1:0", "block 08:1",
        "block +8:1",
        "block -1:1", "block 4096:1", "block 8:1048576", "char 4294967296:0", "char 1:٣",
        "character 1:3", "door", "whiteout",
    ])
    func `what no special file is called is refused`(text: String) throws {
        #expect(throws: DepotError.self) { try SpecialFile(text) }
        let changed = Self.special.replacing("block 8:1", with: text)
        #expect(throws: DepotError.self) {
            try FileRecord(parsing: ByteBuffer(string: changed))
        }
        #expect(throws: (any Error).self) {
            let body = Data("{\"special\":\"\(text)\"}".utf8)
            _ = try JSONDecoder().decode(FileMetadata.self, from: body)
        }
    }

    @Test func `a tombstone names the request that asked for it`() throws {
        let record = FileRecord(
            cluster: try #require(ClusterID(FileRecordTests.cluster)), name: try FileName("gone"),
            sequence: CommitSequence(epoch: 2, counter: 1), time: -1,
            content: .deleted(level: try ReplicationLevel(2)),
            request: RequestID("0a1b2c3d-0000-4000-8000-000000000003"))
        try FileRecordTests.expect(
            record, is: Self.repeatable,
            id: "691b97d2f2fc1f2266f9e6cc5c26b00b8b977dacf45557ce595766104a355b7e")
    }

    @Test func `a record says what is locked and forgotten of its name, and since when it is so`()
        throws
    {
        let lock = try #require(ContentLock(until: 1_800_000_000, isHeld: true))
        let history = NameHistory(
            locks: try ContentLocks([
                #require(ChunkID(hex: FileRecordTests.chunk)): lock,
                ChunkID(hashing: ""): #require(
                    ContentLock(until: 1_800_000_000, isHeld: false)),
            ]), since: -2, purged: CommitSequence(epoch: 1, counter: 3))
        let record = try second(
            "kept", counter: 9, manifest: .empty, time: 5, metadata: FileMetadata(),
            history: history)
        try FileRecordTests.expect(
            record, is: Self.locked,
            id: "378af6682e69beb2d19904abe128e4805920534613890186c999f16fd8e8d772")
        #expect(record.began == -2)
        // Its own time is no other.
        let same = try second(
            "kept", counter: 9, manifest: .empty, time: -2, metadata: FileMetadata(),
            history: history)
        #expect(same.history.since == nil && same.began == -2)
    }

    /// What format 1 has no place for is refused there, and no field is ever passed over.
    @Test(arguments: [
        (full, "\"format\":2", "\"format\":1"), (full, "\"format\":2,", ""),
        (full, "\"format\":2", "\"format\":3"), (nothing, "\"format\":2,", ""),
        (special, "\"format\":2,", ""), (special, "\"size\":0", "\"size\":1"),
        (special, "\"cluster\"", "\"chunk\":\"\(FileRecordTests.chunk)\",\"cluster\""),
        (special, "\"format\"", "\"folder\":true,\"format\""),
        (special, "\"mode\"", "\"link\":\"a\",\"mode\""),
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
        (link, "\"cluster\"", "\"chunk\":\"\(FileRecordTests.chunk)\",\"cluster\""),
        (link, "\\u0009", "\\t"), (link, "\\u0009", "\t"), (link, "\\u0009", "\\u0000"),
        (link, "\\u0009", "\\u00+9"), (link, "\"../a\\u0009\\\\b\"", "\"\""),
        (link, "-0.5", "-1.5.5"), (link, "-0.500000000", "-0"),
        (link, "-0.500000000", "-0.000000000"),
        (locked, "\"since\":-2", "\"since\":5"), (locked, "\"since\":-2", "\"since\":253402300800"),
        // No later word may be among those that are forgotten.
        (locked, "0000000003\"", "000000000a\""), (locked, "\"format\":2,", ""),
        (locked, "held 1800000000", "held  1800000000"), (locked, "held 1800000000", ""),
        (locked, "held 1800000000", "hold"), (locked, "held 1800000000", "253402300800"),
        (locked, "held 1800000000", "+1800000000"), (locked, "{\"2c26", "{\"2C26"),
        (locked, "\"1800000000\"}", "\"1800000000\",\"f\":\"held\"}"),
        (nothing, "\"level\":2,", "\"level\":2,\"locks\":{},"),
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
        let lock = try #require(ContentLock(until: .min, isHeld: true))
        let contents = (0..<ContentLocks.countMax).map { ChunkID(hashing: "\($0)") }
        let locks = try ContentLocks(
            Dictionary(uniqueKeysWithValues: contents.map { ($0, lock) }))
        let record = try second(
            String(repeating: "\"", count: Limits.fileNameSizeMax), counter: 1, manifest: .empty,
            time: .min, level: Limits.levelMax, metadata: metadata, origin: .first,
            request: "0a1b2c3d-0000-4000-8000-000000000003",
            history: NameHistory(locks: locks, since: .max, purged: .first))
        #expect(record.encoded().length <= Limits.recordSizeMax)
        #expect(record.encoded().length > Limits.recordSizeMax / 2)
        #expect(try FileRecord(parsing: record.encoded().contiguous) == record)
    }
}
