import DepotCore
import DepotTestSupport
import Testing

@testable import DepotStore

/// INDEX, which a start believes in place of what it lists.
@Suite struct SegmentEndingTests {
    private static let hash = ChunkID(hashing: "content").hex
    private static let record =
        "records/\(ChunkID(hashing: "name"))/00000001-0000000000000005.\(hash).json"

    /// Lines with the last one that fits them, so that only what they say can be wrong.
    private static func sealed(_ lines: String, at offset: UInt64) -> [UInt8] {
        Array("\(lines)end \(offset) \(ChunkID(hashing: lines))\n".utf8)
    }

    @Test func `what is written is read`() throws {
        let members = [
            SegmentMember(
                path: try #require(MemberPath("chunks/\(Self.hash)")), offset: 0, length: 1),
            SegmentMember(
                path: try #require(MemberPath(Self.record)), offset: 1_024, length: 16_384),
            SegmentMember(
                path: .chunk(ChunkID(hashing: "more")), offset: 1_099_511_627_776,
                length: 8_388_608),
        ]
        let end: UInt64 = 1_099_520_017_408
        let index = Array(SegmentEnding.index(members, at: end).utf8)
        #expect(SegmentEnding.members(index, at: end) == members)
        #expect(SegmentEnding.members(index, at: end + 512) == nil, "it lies elsewhere")
        for place in index.indices {
            var damaged = index
            damaged[place] ^= 1
            #expect(SegmentEnding.members(damaged, at: end) == nil, "byte \(place)")
        }
        let empty = Array(SegmentEnding.index([], at: 0).utf8)
        #expect(SegmentEnding.members(empty, at: 0) == [])
    }

    @Test(arguments: [
        "", "x", "0 1", "0 1 ", " 1 chunks/\(hash)", "0  chunks/\(hash)", "a 1 chunks/\(hash)",
        "0 -1 chunks/\(hash)", "0 1 chunks/\(hash)0", "0 1 chunks/\(hash.dropLast())",
        "0 1 chunks/\(hash.uppercased())", "0 1 chunk/\(hash)", "0 1 \(record)x",
        "18446744073709551616 1 chunks/\(hash)", "0 9223372036854775808 chunks/\(hash)",
        "0 0 chunks/\(hash)", "0 8388609 chunks/\(hash)", "0 16385 \(record)",
        // Behind the place where INDEX begins.
        "3584 1 chunks/\(hash)", "0 3585 chunks/\(hash)",
    ])
    func `a line that is none makes INDEX none`(line: String) {
        let good = "0 1 chunks/\(Self.hash)\n"
        #expect(SegmentEnding.members(Self.sealed(good, at: 4_096), at: 4_096)?.count == 1)
        #expect(SegmentEnding.members(Self.sealed(good + line + "\n", at: 4_096), at: 4_096) == nil)
    }
}
