import DepotCore
import DepotTestSupport
import FoundationEssentials
import Testing

@testable import DepotStore

/// On a disk that is full, what frees room finds some: records and compactions have the reserve.
@Suite struct ReserveTests {
    /// Half as much again is to stay free as there is: nothing but the reserve is left.
    private func onFullDisk(
        _ body: (SegmentStore) async throws -> Void
    ) async throws {
        try await withFolder { folder in
            try await withStore(at: folder) { store in
                _ = try await store.putDurably(SampleObjects.chunks(0..<20))
            }
            let free = try await withStore(at: folder) { try await $0.standing().freeBytes }
            var configuration = smallSegments()
            configuration.reserve = ByteCount(free / 2 * 3)
            try await withStore(at: folder, configuration) { store in
                #expect(try await store.standing().freeBytes == 0)
                try await body(store)
            }
        }
    }

    private func expectFull(_ store: SegmentStore, _ number: UInt64) async throws {
        let error = await #expect(throws: DepotError.self) {
            try await store.put([SampleObjects.chunk(number)])
        }
        #expect(error?.code == .storageFull)
    }

    @Test func `records are taken from the reserve, and content is not put beside them`()
        async throws
    {
        try await onFullDisk { store in
            try await expectFull(store, 100)
            for number in 1...50 as ClosedRange<UInt64> {
                let record = try SampleObjects.record("file", counter: number)
                #expect(try await store.putDurably([record]) == [.durable])
                try await expectFull(store, 100 + number)
            }
            let segments = try await store.segments(after: nil, limit: 100)
            #expect(
                segments.count <= 3, "they are put into one, though content is refused in between")
        }
    }

    @Test func `with the reserve, deleted copies give their room back`() async throws {
        try await onFullDisk { store in
            let gone = SampleObjects.chunks(0..<12).map(\.id)
            let token = try await store.condemn(gone)
            #expect(try await store.delete(gone, token: token).count == gone.count)
            for segment in try await store.segments(after: nil, limit: 100) where segment.isSealed {
                #expect(try await store.compact(segment.id).freedBytes > 0)
            }
            for object in SampleObjects.chunks(12..<20) {
                #expect(try await store.bytes(of: object.id) == object.contiguous)
            }
        }
    }

    @Test(
        arguments: [
            (SegmentPurpose.content, 1_000, 1_000_000, 0), (.records, 1_000, 1_000_000, 125_000),
            (.records, 1_000, 500_100, 100), (.records, 1_000, 400_000, 0),
            (.records, 300_000, 1_000_000, 300_000), (.compaction, 1_000, 1_000_000, 1_000),
            (.compaction, 1_000, 400, 400),
        ] as [(SegmentPurpose, UInt64, UInt64, UInt64)])
    func `of a reserve of a million bytes`(
        _ purpose: SegmentPurpose, _ need: UInt64, _ onDisk: UInt64, _ room: UInt64
    ) {
        #expect(purpose.room(for: need, onDisk: onDisk, reserve: 1_000_000) == room)
        #expect(purpose.room(for: need, onDisk: 0, reserve: .max) == 0)
        #expect(
            purpose.room(for: need, onDisk: .max, reserve: 0) >= (purpose == .content ? 0 : need))
    }
}
