import DepotCore
import DepotTestSupport
import FoundationEssentials
import GRDB
import Testing

@testable import DepotSQLiteCatalog

/// The power is cut at each write, sync and truncation of an operation. What had not been synced is all there, all
/// gone, or in part; the catalog that is opened on that is as it was before the operation or as it is after it.
@Suite(.serialized) struct CrashImageTests {
    /// A seed that failed once is added here, and stays.
    private static let seed = UInt64.random(in: 1...UInt64.max)

    @Test(arguments: CatalogScene.steps)
    func `a power cut leaves an operation done or not begun`(_ step: CatalogScene.Step) async throws
    {
        try await withFolder { folder in
            let disk = FaultyDisk(folder: folder + "/live")
            defer { disk.remove() }
            let scene = CatalogScene()
            let catalog = try await scene.make(for: step, in: disk.folder)
            try await catalog.checkpointOften()
            let before = try await catalog.everything()
            let start = disk.events.count
            try await step.run(CatalogFixture(catalog: catalog) { _ in }, scene)
            let end = disk.events.count
            let after = try await catalog.everything()
            #expect(before != after)
            try await expectImages(
                of: disk.events, from: start, through: end, base: DiskImage(),
                markedFrom: start, in: folder
            ) { state, position, when in
                if position == end { return #expect(state == after, "acknowledged; \(when)") }
                #expect(
                    state == before || state == after || !step.isOneTransaction, when)
                #expect(state.first == "ok", when)
            }
            try catalog.close()
        }
    }

    @Test(arguments: [false, true])
    func `a power cut while a catalog is opened leaves it whole`(isOld: Bool) async throws {
        try await withFolder { folder in
            let disk = FaultyDisk(folder: folder + "/live")
            defer { disk.remove() }
            try FileManager.default.createDirectory(
                atPath: disk.folder, withIntermediateDirectories: true)
            if isOld { try FirstVersion.make(in: disk.folder) }
            let base = try DiskImage(folder: disk.folder)
            let start = disk.events.count
            let catalog = try await SQLiteCatalog.still(at: disk.folder)
            let (end, after) = try await (disk.events.count, catalog.everything())
            let members = try await catalog.members()
            #expect(members.count == (isOld ? 1 : 0))
            try await expectImages(
                of: Array(disk.events[start...]), from: 0, through: end - start, base: base,
                markedFrom: end - start, in: folder
            ) { state, position, when in
                // The cluster gets its id at the very end; one that nobody has heard of may be another.
                let isHeard = isOld || position == end - start
                let known = { (lines: [String]) in
                    lines.filter { isHeard || !$0.hasPrefix("cluster") }
                }
                #expect(known(state) == known(after), when)
            }
            try catalog.close()
        }
    }

    /// - Parameter marked: the position from which on the identity file is there; it is whole or not there.
    private func expectImages(
        of events: [DiskEvent], from start: Int, through end: Int, base: DiskImage,
        markedFrom marked: Int, in folder: String, _ expect: ([String], Int, Comment) throws -> Void
    ) async throws {
        var random = SeededGenerator(seed: Self.seed)
        var image = base
        for event in events[..<start] { image.apply(event) }
        for position in start...end {
            if position > start { image.apply(events[position - 1]) }
            // Opening takes a while; long operations are looked at here and there.
            let isLookedAt =
                position == end || end - start < 16 || Int.random(in: 0..<3, using: &random) == 0
            guard isLookedAt else { continue }
            for loss in DiskImage.Loss.allCases {
                let when: Comment =
                    "seed \(Self.seed), after event \(position - start) of \(end - start), losing \(loss)"
                let path = folder + "/image"
                try image.write(to: path, losing: loss, random: &random)
                if position >= marked {
                    let identity = "/" + CatalogIdentityFile.fileName
                    try FileManager.default.copyItem(
                        atPath: folder + "/live" + identity, toPath: path + identity)
                }
                do {
                    let opened = try await SQLiteCatalog.still(at: path)
                    try await expect(opened.everything(), position, when)
                    try opened.close()
                } catch { Issue.record("\(error); \(when)") }
                try FileManager.default.removeItem(atPath: path)
            }
        }
    }
}

/// A catalog as the first version of the schema had it.
enum FirstVersion {
    static func make(in folder: String) throws {
        let path = folder + "/" + SQLiteCatalog.fileName
        let database = try DatabaseQueue(path: path)
        try CatalogSchema.migrator.migrate(database, upTo: "1 files, chunks, copies, deposits")
        try database.write { database in
            try database.execute(
                sql: """
                    INSERT INTO cluster VALUES (1, randomblob(16), 1, 0, 1, 0, 0);
                    INSERT INTO member VALUES (0, randomblob(16), 'r', 'http://r', 'z', 9, 0, 0, 0, 1, 0);
                    """)
        }
        try database.close()
    }
}
