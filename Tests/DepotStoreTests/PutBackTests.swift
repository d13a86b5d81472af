import DepotCore
import DepotTestSupport
import FoundationEssentials
import Testing

@testable import DepotStore

/// An older version of one file is put back into the folder of a replica that has moved on since.
/// What lay in the file alone is gone and is said to be absent; everything else is there; what is
/// put again is durable.
@Suite struct PutBackTests {
    private static let objects = FolderHistory.objects
    private static let ids = objects.map(\.id)

    enum Part: CaseIterable, Sendable {
        case segment, identity
        /// The file alone, beside the write-ahead log of the end; alone, without any; with its own.
        case index, indexWithoutLog, indexWithItsLog

        func files(in folder: String) throws -> [[String]] {
            switch self {
            case .segment:
                try FileManager.default.contentsOfDirectory(atPath: folder + "/segments")
                    .map { ["segments/" + $0] }
            case .identity: [["depot-replica.json"]]
            case .index: [["index.sqlite"]]
            case .indexWithoutLog, .indexWithItsLog:
                [["index.sqlite", "index.sqlite-wal", "index.sqlite-shm"]]
            }
        }
    }

    /// Where the index was made again because a segment was not what it was, known bad copies were
    /// forgotten, and an older copy that came forth in place of one that was gone counted as
    /// durable, though it had been found bad before.
    @Test(arguments: Part.allCases, [FolderHistory.stopped, FolderHistory.killed])
    func `an older version that is put back is harmless, or what it lacks is absent`(
        _ part: Part, end: String
    ) async throws {
        try await withFolder(inMemory: true) { folder in
            let history = try await FolderHistory(in: folder)
            var tried: Set<[Data?]> = []
            for moment in history.moments {
                for files in try part.files(in: "\(folder)/\(moment.name)") {
                    let scene = "\(folder)/scene"
                    try copyFolder("\(folder)/\(end)", to: scene)
                    defer { try? FileManager.default.removeItem(atPath: scene) }
                    let before = files.map { Self.content(scene, $0) }
                    try Self.putBack(files, part, from: "\(folder)/\(moment.name)", to: scene)
                    let after = files.map { Self.content(scene, $0) }
                    guard after != before, tried.insert(after).inserted else { continue }
                    let title = "\(files[0]) of '\(moment.name)' in '\(end)'"
                    try await expectSound(
                        scene, part, files[0], history, moment.knownBad, Comment(rawValue: title))
                }
            }
            #expect(tried.count > 1)
        }
    }

    private static func content(_ folder: String, _ file: String) -> Data? {
        FileManager.default.contents(atPath: "\(folder)/\(file)")
    }

    private static func putBack(
        _ files: [String], _ part: Part, from past: String, to scene: String
    ) throws {
        for (number, file) in files.enumerated() {
            try? FileManager.default.removeItem(atPath: "\(scene)/\(file)")
            guard part != .indexWithoutLog || number == 0, let bytes = content(past, file) else {
                continue
            }
            try bytes.write(to: URL(fileURLWithPath: "\(scene)/\(file)"))
        }
    }

    private func expectSound(
        _ scene: String, _ part: Part, _ file: String, _ history: FolderHistory,
        _ knownBad: Set<Int>, _ comment: Comment
    ) async throws {
        try await withStore(at: scene, FolderHistory.configuration) { store in
            #expect(
                try await store.standing().position.segment > history.position.segment, comment)
            // What is listed can be read.
            let listed = try await store.wholeInventory(pageSize: 5).map(\.id)
            #expect(try await store.read(listed).allSatisfy { $0 != nil }, comment)
            // What lay in other files is there.
            let lost = part == .segment ? try Self.members(of: file, in: history) : []
            for (index, object) in Self.objects.enumerated() where index != FolderHistory.deleted {
                let isDurable = try await store.vouch(for: [object.id]) == [.durable]
                if FolderHistory.bad.contains(index) {
                    // That a copy is bad is in the index alone.
                    #expect(!isDurable || part.isIndex && !knownBad.contains(index), comment)
                    continue
                }
                #expect(isDurable || lost.contains(object.id), comment)
                if isDurable {
                    #expect(try await store.bytes(of: object.id) == object.contiguous, comment)
                }
            }
            let verdicts = try await store.check(Self.ids)
            for (object, verdict) in zip(Self.objects, verdicts) where verdict == .good {
                #expect(try await store.bytes(of: object.id) == object.contiguous, comment)
            }
            let vouches = try await store.vouch(for: Self.ids)
            #expect(vouches == verdicts.map { $0 == .good ? .durable : .absent }, comment)
            _ = try await store.adopt(FolderHistory.membership(epoch: 2))
            _ = try await store.putDurably(Self.objects)
            try await expectWhole(store, comment)
            for segment in try await store.allSegments() where segment.isSealed {
                #expect(try await store.compact(segment.id).pinnedBy.isEmpty, comment)
            }
        }
        try await withStore(at: scene, FolderHistory.configuration) { store in
            try await expectWhole(store, comment)
        }
    }

    private func expectWhole(_ store: SegmentStore, _ comment: Comment) async throws {
        #expect(
            try await store.vouch(for: Self.ids) == Self.ids.map { _ in .durable }, comment)
        #expect(try await store.check(Self.ids) == Self.ids.map { _ in .good }, comment)
        let held = try await store.wholeInventory(pageSize: 5).map(\.id)
        #expect(held == Self.ids.sorted(), comment)
        #expect(try await store.standing().chunks == Self.ids.count, comment)
        let copies = try await store.allSegments().reduce(0) { $0 + $1.liveCopies }
        #expect(copies == Self.ids.count, comment)
        for object in Self.objects {
            #expect(try await store.bytes(of: object.id) == object.contiguous, comment)
        }
    }

    /// What lay in a segment at the end.
    private static func members(
        of file: String, in history: FolderHistory
    ) throws -> Set<ObjectID> {
        let folder = "\(history.folder)/\(FolderHistory.stopped)/segments"
        guard let number = UInt32(file.suffix(12).prefix(8)),
            let file = try SegmentFile.find(number, in: folder),
            let sealed = try SegmentRecovery.readSealed(
                file, SegmentKnowledge(nonce: nil, wasSealed: true))
        else { return [] }
        return Set(sealed.members.compactMap(\.path.objectID))
    }
}

extension PutBackTests.Part {
    fileprivate var isIndex: Bool { self != .segment && self != .identity }
}
