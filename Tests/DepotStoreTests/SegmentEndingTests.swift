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

    /// The only line of an INDEX without members was not found behind its header. A segment whose
    /// headers were all unreadable was recovered, sealed so, and taken for an unsealed one at each
    /// start, which made the whole index again.
    @Test(arguments: [0, 1, 2])
    func `the place of INDEX is found at the end of a file`(members count: Int) throws {
        let members = (0..<count).map {
            SegmentMember(
                path: .chunk(ChunkID(hashing: "\($0)")), offset: UInt64($0) << 10, length: 1)
        }
        let offset: UInt64 = 8_192
        let text = Array(SegmentEnding.index(members, at: offset).utf8)
        let header = MemberHeader(
            path: .index, length: text.count, nonce: 1, durable: offset, offset: offset)
        let zeros = Int(header.end - offset) - MemberHeader.size - text.count
        let ending =
            header.encoded() + text
            + [UInt8](repeating: 0, count: zeros + 2 * MemberHeader.size)
        let file = [UInt8](repeating: 0xff, count: 4_096) + ending
        #expect(SegmentEnding.indexOffset(Array(file.suffix(SegmentEnding.tailSize))) == offset)
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
