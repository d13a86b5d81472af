import DepotCore
import DepotStore
import DepotTestSupport
import Testing

@Suite struct CompactionTests {
    /// A page of a segment's members was filtered after it was cut: one that lay elsewhere by then made the page look
    /// like the last one, what came behind was not moved, and the segment was unlinked with all of it.
    @Test func `what lies behind a copy that was put again is moved, too`() async throws {
        let objects = SampleObjects.chunks(0..<600, size: 20)
        var configuration = smallSegments(4 << 20)
        configuration.segmentMembersMax = objects.count
        try await withFolder { folder in
            try await withStore(at: folder, configuration) { store in
                _ = try await store.putDurably(objects)
                _ = try await store.putDurably([SampleObjects.chunk(1_000)])
                try await flipBit(of: objects[0].id, in: store)
                #expect(try await store.check([objects[0].id]) == [.bad])
                _ = try await store.putDurably([objects[0]])
                let segment = try #require(try await store.segments(after: nil, limit: 1).first)
                let report = try await store.compact(segment.id)
                #expect(report.movedCopies == objects.count - 1 && report.freedBytes > 0)
                for object in objects {
                    #expect(try await store.bytes(of: object.id) == object.contiguous)
                }
                #expect(try await store.standing().chunks == objects.count + 1)
            }
        }
    }
}
