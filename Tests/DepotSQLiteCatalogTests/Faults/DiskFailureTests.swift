import DepotCore
import DepotTestSupport
import FoundationEssentials
import Testing

@testable import DepotSQLiteCatalog

/// The first operation of the disk fails, then the second, and so on until nothing is left to fail: once, or from
/// then on.
@Suite(.serialized) struct DiskFailureTests {
    private static let kinds: [(DiskFault.Kind, lasts: Bool)] = [
        (.broken, false), (.broken, true), (.full, false),
    ]
    private static let steps = CatalogScene.steps.filter {
        [
            "commit", "change of level", "delete", "collection, first step",
            "collection, second step", "forget", "restore of a record",
        ].contains($0.name)
    }

    @Test(arguments: steps)
    func `whatever write or sync fails, the change is done or not begun`(
        _ step: CatalogScene.Step
    ) async throws {
        try await withFolder { folder in
            let scene = CatalogScene()
            let trial = Trial(step: step, scene: scene, folder: folder)
            try await scene.make(for: step, in: trial.base).close()
            let (before, after) = try await trial.outcomes()
            for (kind, lasts) in Self.kinds {
                var position = 1
                while try await trial.run(
                    DiskFault(kind: kind, position: position, lasts: lasts), before, after)
                {
                    position += 1
                }
                #expect(position > 2, "a change writes and syncs")
            }
        }
    }

    @Test(arguments: [false, true])
    func `whatever fails while a catalog is opened, it opens when the disk is well`(
        isOld: Bool
    ) async throws {
        try await withFolder { folder in
            let base = folder + "/base"
            try FileManager.default.createDirectory(
                atPath: base, withIntermediateDirectories: true)
            if isOld { try FirstVersion.make(in: base) }
            for (kind, lasts) in Self.kinds {
                var (position, hasFailed) = (1, true)
                while hasFailed {
                    let disk = FaultyDisk(folder: folder + "/live")
                    defer { disk.remove() }
                    try FileManager.default.copyItem(atPath: base, toPath: disk.folder)
                    defer { try? FileManager.default.removeItem(atPath: disk.folder) }
                    let fault = DiskFault(kind: kind, position: position, lasts: lasts)
                    disk.set(fault)
                    do {
                        try await SQLiteCatalog.still(at: disk.folder).close()
                    } catch {
                        #expect(
                            (error as? DepotError).map { fault.mayBe($0.code) } == true,
                            "\(error); \(fault)")
                    }
                    hasFailed = disk.fired > 0
                    disk.set(nil)
                    let catalog = try await SQLiteCatalog.still(at: disk.folder)
                    let state = try await catalog.everything()
                    #expect(state.first == "ok", "\(fault)")
                    let members = try await catalog.members()
                    #expect(members.count == (isOld ? 1 : 0), "\(fault)")
                    try await catalog.admit(CatalogFixture.member(5))
                    try catalog.close()
                    // Pages that are written one after the other are alike.
                    position += position < 24 ? 1 : 3
                }
            }
        }
    }
}

/// One step that is tried again and again on copies of one catalog.
private struct Trial {
    let step: CatalogScene.Step
    let scene: CatalogScene
    let folder: String

    var base: String { folder + "/base" }

    private func copy() async throws -> SQLiteCatalog {
        try FileManager.default.copyItem(atPath: base, toPath: folder + "/live")
        let catalog = try await SQLiteCatalog.still(at: folder + "/live")
        try await catalog.checkpointOften()
        return catalog
    }

    private func run(on catalog: SQLiteCatalog) async throws {
        try await step.run(CatalogFixture(catalog: catalog) { _ in }, scene)
    }

    private func remove() throws {
        try FileManager.default.removeItem(atPath: folder + "/live")
    }

    func outcomes() async throws -> (before: [String], after: [String]) {
        let catalog = try await copy()
        let before = try await catalog.everything()
        try await run(on: catalog)
        let after = try await catalog.everything()
        #expect(before != after)
        try catalog.close()
        try remove()
        return (before, after)
    }

    /// - Returns: whether anything was there to fail.
    func run(_ fault: DiskFault, _ before: [String], _ after: [String]) async throws -> Bool {
        let disk = FaultyDisk(folder: folder + "/live")
        defer { disk.remove() }
        let catalog = try await copy()
        disk.set(fault)
        let error = await thrown { try await run(on: catalog) }
        let hasFailed = disk.fired > 0
        #expect(error == nil || hasFailed, "\(error?.description ?? ""); \(fault)")
        if let error {
            #expect(fault.mayBe(error.code), "\(error); \(fault)")
            try await expectUse(of: catalog, disk, fault, before, after)
        }
        disk.set(nil)
        do { try catalog.close() } catch { #expect(fault.mayBe(error.code), "\(error)") }
        let again = try await SQLiteCatalog.still(at: folder + "/live")
        let state = try await again.everything()
        #expect(state.first == "ok", "\(fault)")
        if step.isOneTransaction {
            #expect(state == after || error != nil && state == before, "\(fault)")
        }
        try again.close()
        try remove()
        return hasFailed
    }

    /// After a failed write or sync no change is taken; a disk that was full is used again once there is room.
    private func expectUse(
        of catalog: SQLiteCatalog, _ disk: FaultyDisk, _ fault: DiskFault, _ before: [String],
        _ after: [String]
    ) async throws {
        // Two that read one after the other may need a second connection, on which nothing depends.
        let isReader = disk.hasRefusedToOpenOnly
        disk.set(nil)
        if isReader {
            try await run(on: catalog)
        } else if fault.kind == .full {
            let state = try await catalog.everything()
            #expect(state == before || !step.isOneTransaction, "\(fault)")
            try await run(on: catalog)
            let done = try await catalog.everything()
            #expect(done == after || !step.isOneTransaction, "\(fault)")
        } else {
            let refused = await thrown { try await catalog.admit(CatalogFixture.member(5)) }
            #expect(refused?.code == .storeFailed, "\(fault)")
        }
    }
}

extension DiskFault {
    fileprivate func mayBe(_ code: DepotError.Code) -> Bool {
        code == (kind == .full ? .storageFull : .storeFailed)
    }
}
