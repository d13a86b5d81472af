import DepotCore
import DepotTestSupport
import FoundationEssentials
import Testing

@testable import DepotStore

/// The file of the open segment loses its name, or its end, while the store appends to it: a sync
/// of it then says nothing. The store goes on in a new one, and what was in the old one is absent.
@Suite struct VanishedLogTests {
    private static let objects = SampleObjects.chunks(0..<4, size: 1_500)
    private static let ids = objects.map(\.id)
    private static let absent = ids.map { _ in Vouch.absent }
    private static let durable = ids.map { _ in Vouch.durable }

    enum Loss: CaseIterable {
        case removed, movedAway, cutShort

        func strike(_ path: String) throws {
            switch self {
            case .removed: try FileManager.default.removeItem(atPath: path)
            case .movedAway: try FileManager.default.moveItem(atPath: path, toPath: path + ".away")
            case .cutShort: try change(path) { $0.removeLast(100) }
            }
        }
    }

    private func withOpenSegment(
        _ body: (SegmentStore, _ folder: String) async throws -> Void
    ) async throws {
        try await withFolder(inMemory: true) { folder in
            try await withStore(at: folder + "/a", smallSegments(1 << 20)) { store in
                try await store.put(Self.objects)
                try await body(store, folder + "/a")
            }
        }
    }

    private func path(_ number: UInt32, in folder: String) -> String {
        "\(folder)/segments/\(SegmentFile.name(number))"
    }

    @Test(arguments: Loss.allCases, [true, false])
    func `what lay in an open segment that vanished is not vouched for, and can be put again`(
        _ loss: Loss, wasVouchedFor: Bool
    ) async throws {
        try await withOpenSegment { store, folder in
            if wasVouchedFor { #expect(try await store.vouch(for: Self.ids) == Self.durable) }
            let position = try await store.standing().position
            try loss.strike(path(1, in: folder))
            #expect(try await store.vouch(for: Self.ids) == Self.absent)
            #expect(try await store.check(Self.ids) == Self.ids.map { _ in .absent })
            let held = try await store.wholeInventory(pageSize: 10)
            #expect(held.isEmpty)
            #expect(try await store.standing().chunks == 0)
            #expect(try await store.putDurably(Self.objects) == Self.durable)
            let standing = try await store.standing()
            #expect(standing.position.continues(position))
            #expect(standing.chunks == Self.ids.count)
            // A kill.
            try copyFolder(folder, to: folder + "-copy")
            let again = try await SegmentStore.open(
                at: folder + "-copy", configuration: smallSegments(), logger: quiet)
            let (vouches, bytes) = (
                try await again.vouch(for: Self.ids), try await again.bytes(of: Self.ids[0])
            )
            await again.close()
            #expect(vouches == Self.durable && bytes == Self.objects[0].contiguous)
        }
    }

    @Test(arguments: Loss.allCases)
    func `what vanished with it is absent at once, before any barrier`(_ loss: Loss) async throws {
        try await withOpenSegment { store, folder in
            _ = try await store.read(Self.ids)
            try loss.strike(path(1, in: folder))
            let isThere = Self.ids.indices.map { loss == .cutShort && $0 < Self.ids.count - 1 }
            #expect(try await store.check(Self.ids) == isThere.map { $0 ? .good : .absent })
            #expect(try await store.read(Self.ids).map { $0 != nil } == isThere)
        }
    }

    @Test(arguments: [Loss.removed, .movedAway])
    func `a segment that vanished is not sealed`(_ loss: Loss) async throws {
        try await withOpenSegment { store, folder in
            try loss.strike(path(1, in: folder))
            // The last of them no longer fits.
            let large = SampleObjects.chunks(100..<103, size: 500_000)
            let vouches = try await store.putDurably(large)
            #expect(vouches == [.absent, .absent, .durable])
            #expect(try await store.vouch(for: Self.ids) == Self.absent)
            #expect(try await store.segments(after: nil, limit: 10).first?.id.number == 2)
        }
    }

    @Test func `a put into it that had healed a bad copy leaves the copy bad`() async throws {
        try await withOpenSegment { store, folder in
            let large = SampleObjects.chunks(100..<103, size: 500_000)
            _ = try await store.putDurably(large)
            try await flipBit(of: Self.ids[0], in: store)
            #expect(try await store.check([Self.ids[0]]) == [.bad])
            #expect(try await store.putDurably([Self.objects[0]]) == [.durable])
            let newest = try #require(try await store.segments(after: nil, limit: 10).last)
            try Loss.removed.strike(path(newest.id.number, in: folder))
            #expect(try await store.vouch(for: [Self.ids[0]]) == [.absent])
            #expect(try await store.putDurably([Self.objects[0]]) == [.durable])
            #expect(try await store.bytes(of: Self.ids[0]) == Self.objects[0].contiguous)
        }
    }

    @Test func `what a compaction moved into it stays where it was`() async throws {
        try await withOpenSegment { store, folder in
            let large = SampleObjects.chunks(100..<103, size: 500_000)
            _ = try await store.putDurably(large)
            let dead = large.prefix(2).map(\.id)
            let token = try await store.condemn(dead)
            _ = try await store.delete(dead, token: token)
            let segments = try await store.segments(after: nil, limit: 10)
            let newest = try #require(segments.last)
            try Loss.removed.strike(path(newest.id.number, in: folder))
            let report = try await store.compact(segments[0].id)
            #expect(report.movedCopies > 0 && report.freedBytes == 0)
            #expect(try await store.vouch(for: Self.ids) == Self.durable)
            for object in Self.objects {
                #expect(try await store.bytes(of: object.id) == object.contiguous)
            }
            #expect(try await store.compact(segments[0].id).freedBytes > 0)
            #expect(try await store.vouch(for: Self.ids) == Self.durable)
        }
    }

    @Test(arguments: ["segments", ""])
    func `with its folder gone, too, the store writes nothing more`(_ gone: String) async throws {
        try await withOpenSegment { store, folder in
            try FileManager.default.moveItem(
                atPath: "\(folder)/\(gone)", toPath: folder + "-away")
            if gone.isEmpty {
                // As after an unmount.
                try FileManager.default.createDirectory(
                    atPath: folder + "/segments", withIntermediateDirectories: true)
            }
            let error = await expectError(.storeFailed) { _ = try await store.vouch(for: Self.ids) }
            #expect(
                error?.message == "the replica's folder is not there any more; restart the replica")
            #expect(try await store.standing().writable == false)
            await expectError(.storeFailed) { try await store.put(Self.objects) }
            let held = try await store.wholeInventory(pageSize: 10)
            #expect(held.isEmpty)
        }
    }
}
