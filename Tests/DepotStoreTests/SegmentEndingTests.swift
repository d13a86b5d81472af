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
                path: try #require(MemberPath(Self.record)), offset: 1_024, length: 8_388_608),
            SegmentMember(
                path: .chunk(ChunkID(hashing: "more")), offset: 1_099_511_627_776, length: 77),
        ]
        let index = Array(SegmentEnding.index(members, at: 4_096).utf8)
        #expect(SegmentEnding.members(index, at: 4_096) == members)
        #expect(SegmentEnding.members(index, at: 4_608) == nil, "it lies elsewhere")
        for place in index.indices {
            var damaged = index
            damaged[place] ^= 1
            #expect(SegmentEnding.members(damaged, at: 4_096) == nil, "byte \(place)")
        }
        let empty = Array(SegmentEnding.index([], at: 0).utf8)
        #expect(SegmentEnding.members(empty, at: 0) == [])
    }

    @Test(arguments: [
        "", "x", "0 1", "0 1 ", " 1 chunks/\(hash)", "0  chunks/\(hash)", "a 1 chunks/\(hash)",
        "0 -1 chunks/\(hash)", "0 1 chunks/\(hash)0", "0 1 chunks/\(hash.dropLast())",
        "0 1 chunks/\(hash.uppercased())", "0 1 chunk/\(hash)", "0 1 \(record)x",
        "18446744073709551616 1 chunks/\(hash)", "0 9223372036854775808 chunks/\(hash)",
    ])
    func `a line that is none makes INDEX none`(line: String) {
        let good = "0 1 chunks/\(Self.hash)\n"
        #expect(SegmentEnding.members(Self.sealed(good, at: 9), at: 9)?.count == 1)
        #expect(SegmentEnding.members(Self.sealed(good + line + "\n", at: 9), at: 9) == nil)
    }
}
