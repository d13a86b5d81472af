import DepotCore
import DepotTestSupport
import FoundationEssentials
import GRDB
import Testing

@testable import DepotStore

/// SQLite does not see a flipped bit in a row. What a row of the index says that cannot be is not believed, brings nothing
/// down, and is mended by a put.
@Suite struct IndexDamageTests {
    private static let objects = SampleObjects.chunks(0..<4)

    /// How many copies a scrub of the segment finds to be good; none is bad.
    private static func hashed(_ segment: SegmentInfo, _ store: SegmentStore) async throws -> Int {
        let step = try await store.scrub(segment.id, from: 0, budget: .max)
        #expect(step.next == nil && step.verdicts.allSatisfy { $0.verdict == .good })
        return step.verdicts.count
    }

    @Test(arguments: [
        "segment = -1", "segment = 'x'", "offset = -512", "offset = 4611686018427387904",
        "offset = 'x'", "length = -1", "length = 0", "length = 9223372036854775807",
        "length = 1099511627776", "length = x'00'", "length = 1.5",
    ])
    func `a row that says what cannot be is as good as none`(_ damage: String) async throws {
        let victim = Self.objects[1].id
        try await withFolder(inMemory: true) { folder in
            try await withStore(at: folder) { store in
                _ = try await store.putDurably(Self.objects)
            }
            let database = try DatabaseQueue(path: folder + "/index.sqlite")
            try await database.write { database in
                try database.execute(
                    sql: "UPDATE member SET \(damage) WHERE hash = ?",
                    arguments: [Data(victim.hash.bytes)])
                #expect(database.changesCount == 1)
            }
            try database.close()
            try await withStore(at: folder) { store in
                let vouches = try await store.vouch(for: Self.objects.map(\.id))
                #expect(vouches == [.durable, .absent, .durable, .durable])
                let found = try await store.read([victim])
                #expect(found.count == 1 && found[0] == nil)
                let listed = try await store.inventory(after: nil, limit: 10)
                #expect(listed.count == 3 && !listed.contains { $0.id == victim })
                // What lies there is not lost with its segment. All else is read and moved.
                let segment = try #require(
                    await store.segments(after: nil, limit: 10).first { $0.isSealed })
                #expect(try await Self.hashed(segment, store) == 3)
                if !damage.hasPrefix("segment") {
                    let report = try await store.compact(segment.id)
                    #expect(report.pinnedBy == [victim] && report.freedBytes == 0)
                }
                #expect(try await store.putDurably([Self.objects[1]]) == [.durable])
                #expect(try await store.bytes(of: victim) == Self.objects[1].contiguous)
                if !damage.hasPrefix("segment") {
                    // The row is as it was until its new segment is sealed, and is in nobody's way.
                    #expect(try await Self.hashed(segment, store) == 0)
                    #expect(try await store.compact(segment.id).freedBytes > 0)
                }
                for object in Self.objects {
                    #expect(try await store.bytes(of: object.id) == object.contiguous)
                }
            }
            try await withStore(at: folder) { store in
                let listed = try await store.inventory(after: nil, limit: 10)
                #expect(listed.first { $0.id == victim }?.length == Self.objects[1].length)
                #expect(try await store.bytes(of: victim) == Self.objects[1].contiguous)
            }
        }
    }
}
