import DepotCore
import DepotTestSupport
import Dispatch
import Synchronization
import Testing

@testable import DepotStore

@Suite struct CompactionTests {
    /// A page of a segment's members was filtered after it was cut: one that lay elsewhere by then
    /// made the page look like the last one, what came behind was not moved, and the segment was
    /// unlinked with all of it.
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

    /// The highest sequence of any record that it held was gone with the record's segment: an older
    /// catalog then looked like the newest.
    @Test func `the highest sequence stays when its record and its segment are gone`() async throws
    {
        let records = try (1...3).map { try SampleObjects.record("file", counter: $0) }
        try await withFolder(inMemory: true) { folder in
            try await withStore(at: folder) { _ = try await $0.putDurably(records) }
            try await withStore(at: folder) { store in
                let token = try await store.condemn(records.map(\.id))
                _ = try await store.delete(records.map(\.id), token: token)
                for segment in try await store.segments(after: nil, limit: 9) {
                    _ = try await store.compact(segment.id)
                }
                #expect(try await store.standing().usedBytes == 0)
            }
            try await withStore(at: folder) { store in
                let highest = try await store.standing().highestSequence
                #expect(highest == CommitSequence(epoch: 1, counter: 3))
            }
        }
    }

    /// What a compaction had read as bad was noted as bad where it lay at the end: a copy that was
    /// put again meanwhile was called so instead, and its segment was said to be kept by it though
    /// it was gone.
    @Test func `a copy that is put again while its segment is compacted is not called bad`()
        async throws
    {
        let objects = SampleObjects.chunks(0..<4)
        let ids = objects.map(\.id)
        let (configuration, beforeSync) = hookedSegments()
        try await withFolder { folder in
            try await withStore(at: folder, configuration) { store in
                _ = try await store.putDurably(Array(objects.prefix(3)))
            }
            try await withStore(at: folder, configuration) { store in
                _ = try await store.putDurably([objects[3]])
                try await flipBit(of: ids[1], in: store)
                #expect(try await store.check([ids[1]]) == [.bad])
                let segment = try #require(try await store.segments(after: nil, limit: 1).first)
                beforeSync.arm { try await store.put([objects[1]]) }
                let report = try await store.compact(segment.id)
                #expect(report.pinnedBy.isEmpty && report.freedBytes > 0)
                #expect(report.movedCopies == 2)
                #expect(try await store.vouch(for: ids) == ids.map { _ in .durable })
                #expect(try await store.check(ids) == ids.map { _ in .good })
            }
        }
    }

    private typealias Hook = @Sendable () async throws -> Void

    /// Segments of a store that does something of the test's, once, before a barrier syncs.
    private func hookedSegments() -> (SegmentStoreConfiguration, Hooks) {
        let hooks = Hooks()
        var configuration = smallSegments()
        configuration.operations = FileOperations { operation in
            if case .sync = operation { hooks.run() }
            return FileOperations.system.perform(operation)
        }
        return (configuration, hooks)
    }

    private final class Hooks: Sendable {
        private let hook = Mutex<Hook?>(nil)

        func arm(_ body: @escaping Hook) { hook.withLock { $0 = body } }

        /// On the store's thread, which waits.
        func run() {
            let hook = hook.withLock { hook in
                defer { hook = nil }
                return hook
            }
            guard let hook else { return }
            let done = DispatchSemaphore(value: 0)
            Task {
                await #expect(throws: Never.self) { try await hook() }
                done.signal()
            }
            done.wait()
        }
    }
}
