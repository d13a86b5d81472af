import DepotCore
import DepotTestSupport
import FoundationEssentials
import Testing

@testable import DepotStore

/// An operator removed `segments/*.tar` under a running replica. Each lookup, check and scrub then
/// threw "cannot open the segment", so that a verification skipped the replica and nothing was
/// repaired; what a descriptor still held open was vouched for; and the open segment, which had no
/// name any more, was appended to, synced, and called durable.
@Suite struct VanishedSegmentTests {
    enum Loss: CaseIterable {
        case removed, movedAway, replacedByAnother, replacedByFolder, cutShort

        func strike(_ path: String) throws {
            let files = FileManager.default
            switch self {
            case .removed: try files.removeItem(atPath: path)
            case .movedAway: try files.moveItem(atPath: path, toPath: path + ".away")
            case .replacedByAnother:
                try files.removeItem(atPath: path)
                try Data(repeating: 7, count: 20_000).write(to: URL(fileURLWithPath: path))
            case .replacedByFolder:
                try files.removeItem(atPath: path)
                try files.createDirectory(atPath: path, withIntermediateDirectories: false)
            // In the middle of the last member's bytes, so that its header is still there.
            case .cutShort: try change(path) { $0 = Array($0.prefix(2 * 2_048 + 900)) }
            }
        }

        var leavesName: Bool { self != .removed && self != .movedAway }
    }

    /// Members take 512 + 1,536 bytes each; three to a segment.
    private static let objects = SampleObjects.chunks(0..<9, size: 1_500)
    private static let ids = objects.map(\.id)

    private static var configuration: SegmentStoreConfiguration {
        var configuration = smallSegments(1 << 20)
        configuration.segmentMembersMax = 3
        return configuration
    }

    /// A store with two sealed segments and an open one.
    private func withFilledStore(
        _ body: (SegmentStore, _ folder: String) async throws -> Void
    ) async throws {
        try await withFolder(inMemory: true) { folder in
            try await withStore(at: folder, Self.configuration) { store in
                for object in Self.objects { _ = try await store.putDurably([object]) }
                try await body(store, folder)
            }
        }
    }

    private func segment(_ number: UInt32, in folder: String) -> String {
        "\(folder)/segments/\(SegmentFile.name(number))"
    }

    private func id(of number: UInt32, in store: SegmentStore) async throws -> SegmentID {
        try #require(
            try await store.segments(after: number - 1, limit: 1).first { $0.id.number == number }
        ).id
    }

    // MARK: Sealed segments

    @Test(arguments: Loss.allCases, [true, false])
    func `copies of a sealed segment that vanished are absent, and can be put again`(
        _ loss: Loss, isOpenForReading: Bool
    ) async throws {
        try await withFilledStore { store, folder in
            if isOpenForReading { _ = try await store.read(Self.ids) }
            try loss.strike(segment(2, in: folder))
            let lost = loss == .cutShort ? 5..<6 : 3..<6
            try await expectLost(lost, in: store, isListed: loss.leavesName)
            let step = try await store.scrub(
                try await id(of: 2, in: store), from: 0, budget: .max)
            #expect(step.verdicts.filter { $0.verdict == .bad }.map(\.id) == Array(Self.ids[lost]))
            #expect(step.verdicts.count == 3 && step.next == nil && !step.problems.isEmpty)
            try await expectLost(lost, in: store, isListed: loss.leavesName)
            #expect(try await store.putDurably(Self.objects) == Self.ids.map { _ in .durable })
            if loss != .replacedByFolder {
                let report = try await store.compact(try await id(of: 2, in: store))
                #expect(report.pinnedBy.isEmpty)
                try await expectClean(store)
            }
            try await expectAll(store)
        }
    }

    @Test func `a compaction forgets a segment that vanished, with all that was in it`()
        async throws
    {
        try await withFilledStore { store, folder in
            try Loss.removed.strike(segment(2, in: folder))
            let report = try await store.compact(try await id(of: 2, in: store))
            #expect(report.pinnedBy.isEmpty && report.movedCopies == 0)
            #expect(try await store.standing().chunks == 6)
            try await expectClean(store)
            #expect(try await store.putDurably(Self.objects) == Self.ids.map { _ in .durable })
            try await expectAll(store)
        }
    }

    @Test func `a compaction does not take an unmounted disk for a segment that vanished`()
        async throws
    {
        try await withFolder(inMemory: true) { folder in
            let path = folder + "/a"
            try await withStore(at: path, Self.configuration) { store in
                for object in Self.objects { _ = try await store.putDurably([object]) }
                let segment = try await id(of: 2, in: store)
                try FileManager.default.moveItem(atPath: path, toPath: folder + "/away")
                try FileManager.default.createDirectory(
                    atPath: path + "/segments", withIntermediateDirectories: true)
                await expectError(.storeFailed) { _ = try await store.compact(segment) }
                #expect(try await store.standing().chunks == Self.objects.count)
            }
            try await withStore(at: folder + "/away", Self.configuration) { store in
                try await expectAll(store)
            }
        }
    }

    @Test func `an inventory goes on behind a page of which all has vanished`() async throws {
        try await withFilledStore { store, folder in
            try Loss.removed.strike(segment(1, in: folder))
            try Loss.removed.strike(segment(2, in: folder))
            let held = try await store.wholeInventory(pageSize: 1).map(\.id)
            #expect(held == Self.ids[6...].sorted())
        }
    }

    private func expectLost(
        _ lost: Range<Int>, in store: SegmentStore, isListed: Bool
    ) async throws {
        for (index, id) in Self.ids.enumerated() {
            let isLost = lost.contains(index)
            #expect(try await store.vouch(for: [id]) == [isLost ? .absent : .durable])
            #expect(try await store.check([id]) == [isLost ? .absent : .good])
            #expect(
                try await store.bytes(of: id) == (isLost ? nil : Self.objects[index].contiguous))
        }
        guard !isListed else { return }
        let held = try await store.wholeInventory(pageSize: 2).map(\.id)
        #expect(held == Self.ids.enumerated().filter { !lost.contains($0.0) }.map(\.1).sorted())
    }

    private func expectClean(_ store: SegmentStore) async throws {
        for segment in try await store.segments(after: nil, limit: 100) {
            let step = try await store.scrub(segment.id, from: 0, budget: .max)
            #expect(step.verdicts.allSatisfy { $0.verdict == .good } && step.problems.isEmpty)
        }
    }

    private func expectAll(_ store: SegmentStore) async throws {
        #expect(try await store.vouch(for: Self.ids) == Self.ids.map { _ in .durable })
        for object in Self.objects {
            #expect(try await store.bytes(of: object.id) == object.contiguous)
        }
        #expect(try await store.standing().chunks == Self.objects.count)
    }
}
