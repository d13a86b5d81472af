import DepotCore
import DepotTestSupport
import FoundationEssentials
import GRDB
import Testing

@testable import DepotStore

/// An index that does not fit the segments is made again, and what it knew of bad copies stays
/// known.
@Suite struct IndexRemakingTests {
    private static let objects = SampleObjects.chunks(0..<4)

    private static func segment(_ number: UInt32) -> SegmentIndex.Segment {
        SegmentIndex.Segment(number: number, nonce: 7, bytes: 10_000, highestSequence: nil)
    }

    private static func members(_ indexes: [Int]) throws -> [SegmentMember] {
        try indexes.enumerated().map { place, index in
            SegmentMember(
                path: try MemberPath(objects[index]), offset: UInt64(place) * 2_048, length: 1_000)
        }
    }

    /// - Parameter interruptions: how often it begins, and is cut off behind the first segment.
    @Test(arguments: [0, 1, 2])
    func `bad copies stay bad, and older ones that come forth do not count`(
        interruptions: Int
    ) async throws {
        let ids = Self.objects.map(\.id)
        try await withFolder(inMemory: true) { folder in
            let index = try SegmentIndex.open(at: folder + "/index.sqlite", logger: quiet)
            try index.merge(Self.segment(1), Self.members([0, 1, 2]))
            try index.merge(Self.segment(2), Self.members([3, 1]))
            try index.markBad([ids[0], ids[3]])
            // The second segment went, and a third one is new.
            for round in 0...interruptions {
                try index.beginRemaking()
                #expect(try index.segments().isEmpty)
                try index.merge(Self.segment(1), Self.members([0, 1, 2]))
                if round < interruptions { continue }
                try index.merge(Self.segment(3), Self.members([3]))
                try index.endRemaking()
            }
            #expect(try index.bad() == [ids[0], ids[1]])
            #expect(try index.chunkCount() == 4)
            index.close()
            let again = try SegmentIndex.open(at: folder + "/index.sqlite", logger: quiet)
            #expect(try again.bad() == [ids[0], ids[1]])
            try again.beginRemaking()
            try again.endRemaking()
            #expect(try again.bad().isEmpty && again.chunkCount() == 0)
            again.close()
        }
    }

    @Test func `where nothing can be kept of an index, it is made anew`() async throws {
        let ids = Self.objects.map(\.id)
        try await withFolder(inMemory: true) { folder in
            for object in Self.objects.prefix(2) {
                try await withStore(at: folder) { _ = try await $0.putDurably([object]) }
            }
            let database = try DatabaseQueue(path: folder + "/index.sqlite")
            try await database.write { try $0.execute(sql: "CREATE TABLE formerly_bad (x)") }
            try database.close()
            try FileManager.default.removeItem(atPath: folder + "/segments/00000002.tar")
            for _ in 0..<2 {
                let (vouches, chunks) = try await withStore(at: folder) { store in
                    (try await store.vouch(for: ids), try await store.standing().chunks)
                }
                #expect(vouches == [.durable, .absent, .absent, .absent] && chunks == 1)
            }
        }
    }
}
