import CSQLiteChecksums
import DepotCore
import DepotTestSupport
import FoundationEssentials
import GRDB
import Testing

@testable import DepotStore

/// SQLite does not see a flipped bit in a row. What a row of the index says that cannot be is not
/// believed, brings nothing down, and is mended by a put.
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

    /// Under a right checksum: an entry of the index by segment names another segment than its row.
    /// A compaction moved what was listed, and unlinked the segment with what was not.
    @Test func `a copy that the index by segment does not list is not unlinked`() async throws {
        try await withFolder(inMemory: true) { folder in
            let path = folder + "/index.sqlite"
            try await withStore(at: folder) { store in
                _ = try await store.putDurably(Self.objects)
            }
            let victim = Self.objects[0].id
            try misplace(victim, in: path)
            try await withStore(at: folder) { store in
                let segment = try #require(
                    await store.segments(after: nil, limit: 10).first { $0.isSealed })
                let error = await #expect(throws: DepotError.self) {
                    try await store.compact(segment.id)
                }
                #expect(error?.message.contains("delete index.sqlite") == true)
                #expect(try await store.bytes(of: victim) == Self.objects[0].contiguous)
            }
            SegmentIndex.remove(path)
            try await withStore(at: folder) { store in
                for object in Self.objects {
                    let found = try await store.bytes(of: object.id)
                    #expect(found == object.contiguous)
                }
            }
        }
    }

    /// The first member of segment 1: the numbers 1, 0 and 0 in front of its hash take a byte of
    /// type each, and no other.
    private func misplace(_ id: ObjectID, in path: String) throws {
        let database = try DatabaseQueue(path: path)
        let root = try database.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)")
            return try Int.fetchOne(
                database,
                sql: "SELECT rootpage FROM sqlite_master WHERE name = 'member_segment'")
        }
        try database.close()
        let url = URL(fileURLWithPath: path)
        var bytes = try [UInt8](Data(contentsOf: url))
        let end = try #require(root) * 4_096
        let page = Array(bytes[end - 4_096..<end])
        let hash = try #require(
            (4..<page.count - 32).first { page[$0..<$0 + 32].elementsEqual(id.hash.bytes) })
        try #require(page[hash - 5..<hash].elementsEqual([5, 9, 8, 8, 76]))
        bytes[end - 4_096 + hash - 4] = 8
        let content = Array(bytes[end - 4_096..<end - Int(DEPOT_CHECKSUM_BYTES)])
        let sum = depot_page_checksum(
            UInt32(end / 4_096), content, Int32(content.count))
        withUnsafeBytes(of: sum.bigEndian) { bytes.replaceSubrange(end - 8..<end, with: $0) }
        for log in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + log) }
        try Data(bytes).write(to: url)
    }

    /// What is under no right checksum is not believed at all: the index is made anew.
    @Test(arguments: [UInt64.random(in: 1...UInt64.max)])
    func `a bit of the index that flipped costs no copy`(_ seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        try await withFolder(inMemory: true) { folder in
            let url = URL(fileURLWithPath: folder + "/index.sqlite")
            try await withStore(at: folder) { store in
                _ = try await store.putDurably(Self.objects)
            }
            let whole = try [UInt8](Data(contentsOf: url))
            for page in stride(from: 0, to: whole.count, by: 4_096) {
                var damaged = whole
                let place = page + Int.random(in: 0..<4_096, using: &random)
                damaged[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                try Data(damaged).write(to: url)
                try await withStore(at: folder) { store in
                    for object in Self.objects {
                        let found = try await store.bytes(of: object.id)
                        #expect(found == object.contiguous, "seed \(seed), byte \(place)")
                    }
                }
            }
        }
    }
}
