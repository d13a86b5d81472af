import DepotCore
import DepotTestSupport
import FoundationEssentials
import Synchronization
import Testing

@testable import DepotStore

/// A store whose changes are recorded, with what it told at each time.
final class CrashSubject: Sendable {
    let recorder: FolderRecorder
    let store: SegmentStore
    private let moments: Mutex<[(count: Int, expected: CrashExpectations)]>

    private init(_ recorder: FolderRecorder, _ store: SegmentStore, _ first: CrashExpectations) {
        self.recorder = recorder
        self.store = store
        moments = Mutex([(0, first)])
    }

    /// Opens the store in `root/a`, which may be there.
    static func open(
        in root: String, _ first: CrashExpectations = CrashExpectations()
    ) async throws -> CrashSubject {
        let recorder = FolderRecorder(root: root, store: root + "/a")
        var configuration = smallSegments(Self.segmentSize)
        configuration.operations = recorder.operations
        let store = try await SegmentStore.open(
            at: root + "/a", configuration: configuration, logger: quiet)
        let subject = CrashSubject(recorder, store, first)
        try await subject.tell()
        return subject
    }

    static let segmentSize: UInt64 = 8 << 10

    private func note(_ change: (inout CrashExpectations) -> Void) {
        moments.withLock { moments in
            var next = moments.last?.expected ?? CrashExpectations()
            change(&next)
            moments.append((recorder.count, next))
        }
    }

    /// What must hold when the power goes after so many changes.
    func expected(after count: Int) -> CrashExpectations {
        var expected = moments.withLock { moments in
            moments.last { $0.count <= count }?.expected ?? CrashExpectations()
        }
        for entry in recorder.log.prefix(count) {
            guard case .create(let path, _) = entry.change, path.hasPrefix("a/segments/"),
                let number = UInt32(path.dropFirst(11).prefix(8))
            else { continue }
            // What was created need not be there; its number is used all the same.
            expected.segmentNewest = max(expected.segmentNewest, number)
        }
        return expected
    }

    // MARK: What a client does

    func tell() async throws {
        let standing = try await store.standing()
        note {
            $0.told = standing
            $0.memberships = [standing.membership]
        }
    }

    func put(_ objects: [VerifiedObject]) async throws {
        note { for object in objects { $0.known[object.id] = object.contiguous } }
        try await store.put(objects)
    }

    func putDurably(_ objects: [VerifiedObject]) async throws {
        try await put(objects)
        let ids = objects.map(\.id)
        #expect(try await store.vouch(for: ids) == ids.map { _ in .durable })
        note { $0.durable.formUnion(ids) }
        try await tell()
    }

    func delete(_ ids: [ObjectID]) async throws {
        let token = try await store.condemn(ids)
        note { $0.durable.subtract(ids) }
        #expect(try await store.delete(ids, token: token) == ids)
        try await tell()
    }

    func compact() async throws {
        for segment in try await store.segments(after: nil, limit: 100) where segment.isSealed {
            _ = try await store.compact(segment.id)
            try await tell()
        }
    }

    func adopt(_ membership: ClusterMembership) async throws {
        note { $0.memberships.insert(membership) }
        _ = try await store.adopt(membership)
        try await tell()
    }
}
