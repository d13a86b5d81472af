import DepotCore
import DepotStore
import DepotTestSupport
import Testing

/// A step of a scrub asks the index for no more rows than a segment has members at most. One with
/// more, from one large put, was read so far and no further, and counted as read to its end.
@Suite struct ScrubStepTests {
    /// Bytes of a copy of 20 bytes, with header and padding.
    private static let copySize: UInt64 = 1_024
    private static let objects = SampleObjects.chunks(0..<60, size: 20)

    private static func configuration(membersMax: Int) -> SegmentStoreConfiguration {
        var configuration = smallSegments(4 << 20)
        configuration.segmentMembersMax = membersMax
        return configuration
    }

    @Test func `no segment has more members than it may`() async throws {
        try await withFolder(inMemory: true) { folder in
            try await withStore(at: folder, Self.configuration(membersMax: 40)) { store in
                _ = try await store.putDurably(Self.objects)
                let segments = try await store.allSegments()
                #expect(segments.map(\.liveCopies) == [40, 20])
            }
        }
    }

    @Test(arguments: [1, copySize, copySize + 1, 5 * copySize, .max])
    func `steps of any size read each live copy once, also behind copies that lie elsewhere by now`(
        budget: UInt64
    ) async throws {
        try await withFolder(inMemory: true) { folder in
            try await withStore(at: folder, Self.configuration(membersMax: 60)) { store in
                _ = try await store.putDurably(Self.objects)
            }
            try await withStore(at: folder, Self.configuration(membersMax: 40)) { store in
                // More in a row than a small step is for.
                let again = Array(Self.objects[3..<12])
                for object in again { try await flipBit(of: object.id, in: store) }
                _ = try await store.check(again.map(\.id))
                _ = try await store.putDurably(again)
                var read: [ObjectID] = []
                for segment in try await store.allSegments() {
                    var offset: UInt64? = 0
                    while let from = offset {
                        let step = try await store.scrub(segment.id, from: from, budget: budget)
                        #expect(step.verdicts.allSatisfy { $0.verdict == .good })
                        read += step.verdicts.map(\.id)
                        offset = step.next
                        try #require(offset.map { $0 > from } ?? true, "a step gets ahead")
                    }
                }
                #expect(read.sorted() == Self.objects.map(\.id).sorted())
            }
        }
    }
}
