import DepotCore
import DepotTestSupport
import FoundationEssentials
import GRDB
import Testing

@testable import DepotStore

/// A file named 4294967295.tar, a number in depot-replica.json, a line of INDEX: each of them ended
/// a replica at its start, in a scrub, or `verify --store`, because something was added to it. What
/// no depot has written is refused with what to do, or is as good as damaged.
@Suite struct StoreNumberTests {
    private static let objects = SampleObjects.chunks(0..<3)

    /// Opens, reads, scrubs and compacts; what is refused is refused, and says why.
    private func use(_ folder: String, _ when: Comment) async throws {
        do {
            try await withStore(at: folder) { store in
                _ = try await store.standing()
                _ = try await store.vouch(for: Self.objects.map(\.id))
                for segment in try await store.segments(after: nil, limit: 10) {
                    _ = try await store.scrub(segment.id, from: 0, budget: .max)
                    if segment.isSealed { _ = try await store.compact(segment.id) }
                }
                _ = try await store.putDurably(SampleObjects.chunks(5..<6))
            }
        } catch let error as DepotError {
            #expect(error.code != .internalError, "\(error); \(when)")
        }
        do throws(DepotError) {
            _ = try StoreCheck(folder: folder, logger: quiet).run()
        } catch {
            #expect(error.code == .formatUnsupported, "\(error); \(when)")
        }
    }

    private func withSealedFolder(_ body: (String) async throws -> Void) async throws {
        try await withFolder(inMemory: true) { folder in
            try await withStore(at: folder) { _ = try await $0.putDurably(Self.objects) }
            try await body(folder)
        }
    }

    @Test func `an identity with any number in it opens, or is refused with what to do`()
        async throws
    {
        try await withSealedFolder { folder in
            try await withStore(at: folder) { store in
                _ = try await store.adopt(
                    ClusterMembership(cluster: .random(), epoch: 3, members: [.random()]))
            }
            let path = "\(folder)/depot-replica.json"
            let golden = String(
                decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
            // Its keys have a space on either side of the colon.
            let compact = golden.replacing(" : ", with: ":")
            let mutations = NumberMutation.ofJSON(compact)
            let fields: Set<String> = ["epoch", "format", "opens", "nonce", "number"]
            #expect(Set(mutations.map(\.place)).isSuperset(of: fields))
            for mutation in mutations {
                let copy = "\(folder)-copy"
                defer { try? FileManager.default.removeItem(atPath: copy) }
                try copyFolder(folder, to: copy)
                try Data(mutation.text.utf8)
                    .write(to: URL(fileURLWithPath: "\(copy)/depot-replica.json"))
                try await use(copy, "\(mutation)")
            }
        }
    }

    @Test(arguments: [
        "4294967295.tar", "4294967294.tar", "100000000.tar", "99999999.tar", "00000000.tar",
    ])
    func `a segment whose number is the last or beyond it is refused, and nothing is touched`(
        _ name: String
    ) async throws {
        try await withSealedFolder { folder in
            let path = "\(folder)/segments/\(name)"
            try FileManager.default.copyItem(
                atPath: "\(folder)/segments/00000001.tar", toPath: path)
            if name == "00000000.tar" { return try await use(folder, "\(name)") }
            let error = await expectError(.formatUnsupported) {
                try await withStore(at: folder) { _ in }
            }
            #expect(error?.description.contains("out of the folder") == true, "\(error)")
            #expect(FileManager.default.fileExists(atPath: path))
            try FileManager.default.removeItem(atPath: path)
            let bytes = try await withStore(at: folder) {
                try await $0.bytes(of: Self.objects[0].id)
            }
            #expect(bytes == Self.objects[0].contiguous)
        }
    }

    private static let path = "chunks/\(ChunkID(hashing: "content"))"

    @Test func `a line of INDEX with an extreme number makes INDEX none`() {
        for number in ExtremeNumbers.texts {
            for line in ["\(number) 1 \(Self.path)\n", "0 \(number) \(Self.path)\n"] {
                let index = Array("\(line)end 4096 \(ChunkID(hashing: line))\n".utf8)
                for member in SegmentEnding.members(index, at: 4_096) ?? [] {
                    #expect(member.end <= 4_096 && member.length <= Limits.chunkSizeMax)
                }
            }
        }
    }

    /// INDEX as a whole is believed where its last line fits it: the segment is then forged to its
    /// end.
    @Test func `a segment whose INDEX names what cannot be is recovered, and loses nothing`()
        async throws
    {
        for number in [
            "9223372036854775807", "18446744073709551615", "1152921504606846976", "8388609",
        ] {
            try await withSealedFolder { folder in
                try change("\(folder)/segments/00000001.tar") { bytes in
                    Self.forge(&bytes) { lines in
                        let words = lines[0].split(separator: " ")
                        lines[0] = "\(words[0]) \(number) \(words[2])"
                    }
                }
                _ = try StoreCheck(folder: folder, logger: quiet).run()
                try await withStore(at: folder) { store in
                    for object in Self.objects {
                        #expect(
                            try await store.bytes(of: object.id) == object.contiguous, "\(number)")
                    }
                    for segment in try await store.segments(after: nil, limit: 10) {
                        _ = try await store.scrub(segment.id, from: 0, budget: .max)
                    }
                }
            }
        }
    }

    /// A scrub took the length of what lies between two members, and there was less than none.
    @Test func `a segment whose INDEX lists its members in another order is checked all the same`()
        async throws
    {
        try await withSealedFolder { folder in
            try change("\(folder)/segments/00000001.tar") { bytes in
                Self.forge(&bytes) { $0.reverse() }
            }
            let report = try StoreCheck(folder: folder, logger: quiet).run()
            #expect(report.members == Self.objects.count && report.badMembers.isEmpty)
            #expect(!report.problems.isEmpty && report.isWhole)
            try await use(folder, "another order")
            try await withStore(at: folder) { store in
                for object in Self.objects {
                    let found = try await store.bytes(of: object.id)
                    #expect(found == object.contiguous)
                }
            }
        }
    }

    /// Writes INDEX anew with other lines, a header and a last line that fit them.
    private static func forge(_ bytes: inout [UInt8], _ change: (inout [String]) -> Void) {
        let tail = Array(bytes.suffix(SegmentEnding.tailSize))
        guard let offset = SegmentEnding.indexOffset(tail) else { return }
        let start = Int(offset)
        let found = bytes[start...].withUnsafeBytes {
            MemberHeader($0, at: offset, nonce: nil)
        }
        guard let header = found else { return }
        let textStart = start + MemberHeader.size
        let text = String(
            decoding: bytes[textStart..<textStart + header.length], as: UTF8.self)
        var lines = text.split(separator: "\n").dropLast().map(String.init)
        change(&lines)
        let body = lines.map { "\($0)\n" }.joined()
        let index = Array("\(body)end \(offset) \(ChunkID(hashing: body))\n".utf8)
        let forged = MemberHeader(
            path: .index, length: index.count, nonce: header.nonce, durable: header.durable,
            offset: offset)
        let padding = MemberHeader.padded(index.count) - index.count + 2 * MemberHeader.size
        bytes = bytes[..<start] + forged.encoded() + index + [UInt8](repeating: 0, count: padding)
    }

    @Test func `a header whose length no member of its kind has is none`() {
        for number in ExtremeNumbers.unsigned where number < 1 << 33 {
            let header = MemberHeader(
                path: .chunk(ChunkID(hashing: "x")), length: Int(number), nonce: 1, durable: 0,
                offset: 0)
            let found = header.encoded().withUnsafeBytes { MemberHeader($0, at: 0, nonce: 1) }
            #expect((found != nil) == (1...UInt64(Limits.chunkSizeMax)).contains(number))
        }
    }

    @Test func `an index with any number in it is believed nowhere that it cannot be right`()
        async throws
    {
        let columns = [
            "member.segment", "member.offset", "member.length", "segment.number", "segment.bytes",
            "segment.nonce", "segment.compacted",
        ]
        let numbers: [Int64] = [
            .min, -1, 0, 1, 1 << 31, 1 << 32, 1 << 53, 1 << 60, (1 << 60) + 1, 1 << 62, .max,
        ]
        try await withSealedFolder { folder in
            for column in columns {
                for number in numbers {
                    let copy = "\(folder)-copy"
                    defer { try? FileManager.default.removeItem(atPath: copy) }
                    try copyFolder(folder, to: copy)
                    let parts = column.split(separator: ".")
                    let database = try DatabaseQueue(path: copy + "/index.sqlite")
                    try await database.write {
                        try $0.execute(
                            sql: "UPDATE OR IGNORE \(parts[0]) SET \(parts[1]) = \(number)")
                    }
                    try database.close()
                    try await use(copy, "\(column) = \(number)")
                }
            }
        }
    }
}
