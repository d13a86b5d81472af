import DepotCore
import DepotStore
import DepotTestSupport
import Testing

/// Deletions are marks in the index, and an open segment is in no index yet.
@Suite struct DeletionTests {
    private static func delete(_ ids: [ObjectID], in store: SegmentStore) async throws {
        let token = try await store.condemn(ids)
        #expect(try await Set(store.delete(ids, token: token)) == Set(ids))
    }

    /// The deletion of a record lived in memory while its segment was open. The replica was killed,
    /// the record was there again, and since the tombstone was gone by then, a rebuild brought the
    /// deleted file back.
    @Test func `a deletion that was answered outlives a crash while its segment is open`()
        async throws
    {
        let objects =
            try SampleObjects.chunks(0..<4)
            + (1...3).map { try SampleObjects.record("file \($0)", counter: $0) }
        let gone = [objects[0].id, objects[4].id]
        let kept = Set(objects.map(\.id)).subtracting(gone)
        try await withFolder(inMemory: true) { folder in
            try await withStore(at: folder + "/a", smallSegments(1 << 20)) { store in
                _ = try await store.putDurably(objects)
                try await Self.delete(gone + [objects[6].id], in: store)
                // What is put behind its deletion is there.
                _ = try await store.putDurably([objects[6]])
                try copyFolder(folder + "/a", to: folder + "/killed")
            }
            for name in ["killed", "killed", "a"] {
                try await withStore(at: "\(folder)/\(name)") { store in
                    let held = try await store.wholeInventory(pageSize: 10).map(\.id)
                    #expect(Set(held) == kept, "\(name)")
                    #expect(try await store.vouch(for: gone) == [.absent, .absent])
                }
            }
        }
    }
}
